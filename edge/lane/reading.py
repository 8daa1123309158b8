"""Reading one vehicle: looks at the newest frames of a lane's cameras until the vote is final or time is up."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from edge.capture import Camera, Frame, Sees
from edge.vision.port import PlateLook, PlateReader, VisionError, look
from edge.vision.vote import Read, Track, VoteSettings, follow, reads
from shared.plates import is_trailer

log = structlog.get_logger()


class Eyes:
    """The plate reader in a thread of its own, one look at a time for all lanes of a gate."""

    def __init__(self, reader: PlateReader) -> None:
        self._reader = reader
        self._turn = asyncio.Lock()

    async def look(self, frame: Frame) -> tuple[PlateLook, ...] | None:
        """All plates of a frame; None when the reader failed, which the log says."""
        async with self._turn:
            try:
                return await asyncio.to_thread(look, self._reader, frame.image)
            except VisionError as error:
                log.error("look_failed", error=str(error))
                return None


@dataclass
class Reading:
    """The looks of one passage so far. `frames` keeps the frame of the best look of each camera, and no other.

    A camera that sees fronts gives no trailer's plate: it would be that of the vehicle ahead. One that sees rears gives
    the vehicle's own plate only where no other camera is as sure of one. Once the vehicle's plate is final, cameras that
    see rears go on for `trailer_s` seconds until the trailer's is final too.
    """

    cameras: Sequence[Camera]
    eyes: Eyes
    settings: VoteSettings = field(default_factory=VoteSettings)
    most_s: float = 12.0
    trailer_s: float = 1.0
    clock: Callable[[], float] = time.monotonic
    tracks: dict[str, tuple[Track, ...]] = field(default_factory=dict)
    frames: dict[tuple[str, int], Frame] = field(default_factory=dict)
    last_frame: tuple[str, Frame] | None = None
    _began_at: float = float("-inf")
    _seen: dict[str, int] = field(default_factory=dict)
    _counted: tuple[dict[str, tuple[Track, ...]], list[tuple[str, Read]]] = field(
        default_factory=lambda: ({}, [])
    )

    async def run(self) -> None:
        """Looks until the reads are final or `most_s` seconds are over."""
        self._began_at = self.clock()
        await self._look(self.cameras, self.most_s, lambda: self.final)
        if self.final:
            await self._look(self._rear, self.trailer_s, lambda: self.trailer is not None)

    async def _look(self, cameras: Sequence[Camera], most_s: float, done: Callable[[], bool]) -> None:
        end = self.clock() + most_s
        while cameras and self.clock() < end and not done():
            looked = False
            for camera in cameras:
                frame = camera.newest()
                if frame is None or frame.number == self._seen.get(camera.settings.name):
                    continue
                if (
                    frame.taken_at < self._began_at
                ):  # of a camera at rest or lost: it may show the vehicle before
                    continue
                self._seen[camera.settings.name] = frame.number
                await self._take(camera.settings.name, frame)
                looked = True
            if not looked:
                await asyncio.sleep(0.05)

    @property
    def best(self) -> tuple[str, Read] | None:
        """The best evidenced read and the camera that gave it; a trailer's plate only where no other is as final."""
        return max(self._reads(), key=self._evidence, default=None)

    @property
    def trailer(self) -> str | None:
        """The trailer's plate, where one was finally read beside the best read."""
        best = self.best
        found = [one for one in self._reads() if one[1].final and is_trailer(one[1].text) and one != best]
        return max(found, key=self._evidence)[1].text if found else None

    @property
    def final(self) -> bool:
        """True when the best read may be acted on, and is not only the plate of what the vehicle draws."""
        best = self.best
        return best is not None and best[1].final and not is_trailer(best[1].text)

    def evidence(self) -> Frame | None:
        """The frame that carries the best read, else the newest frame looked at."""
        best = self.best
        if best is not None and (frame := self.frames.get((best[0], best[1].best_frame))) is not None:
            return frame
        return self.last_frame[1] if self.last_frame else None

    @property
    def _rear(self) -> list[Camera]:
        return [camera for camera in self.cameras if camera.settings.sees is Sees.REAR]

    def _sees(self, name: str) -> Sees:
        return next((c.settings.sees for c in self.cameras if c.settings.name == name), Sees.ANY)

    def _reads(self) -> list[tuple[str, Read]]:
        """The reads that a camera may give, by what it sees."""
        return [
            (name, read)
            for name, read in self._all_reads()
            if self._sees(name) is not Sees.FRONT or not is_trailer(read.text)
        ]

    def _all_reads(self) -> list[tuple[str, Read]]:
        """The vote over every track; it takes milliseconds on the event loop, so it is counted once a look."""
        if self._counted[0] != self.tracks:
            read = [
                (name, read) for name, tracks in self.tracks.items() for read in reads(tracks, self.settings)
            ]
            self._counted = dict(self.tracks), read
        return self._counted[1]

    def _evidence(self, one: tuple[str, Read]) -> tuple[bool, bool, bool, int, float]:
        name, read = one
        own = not is_trailer(read.text)
        return read.final, own, self._sees(name) is not Sees.REAR, read.agreeing, read.probability

    async def _take(self, name: str, frame: Frame) -> None:
        looks = await self.eyes.look(frame) or ()
        self.last_frame = (name, frame)
        before = self.tracks.get(name, ())
        self.tracks[name] = follow(before, looks, frame.taken_at, frame.number, self.settings)
        if looks:
            self.frames[(name, frame.number)] = frame
        wanted = {(camera, read.best_frame) for camera, read in self._all_reads()}
        self.frames = {at: kept for at, kept in self.frames.items() if at in wanted}
