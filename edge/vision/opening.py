"""A plate reader that is opened apart, and again when it is lost: nobody waits for its models, and no damaged file stops more."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import structlog

from edge.vision.port import FoundPlate, Image, PlateLook, PlateReader, ReaderLost, VisionError
from shared.backoff import Backoff

log = structlog.get_logger()

PAUSES = Backoff(1.0, 60.0, jitter=0.0)
"""Between one try and the next, in seconds; nobody else opens the files, so there is no step to break."""
STOPS_WITHIN_S = 5.0
"""OpenVINO loads its models in that time; what starts PaddleOCR is left behind, and its worker ends with this process."""

Answer = TypeVar("Answer")


class NotReadYet(VisionError):
    """There is no reader now; one is being opened, or will be."""


class ReaderState(StrEnum):
    """How far plates are read."""

    OPENING = "opening"  # no reader yet, no failure yet
    OPEN = "open"  # there is a reader
    LOST = "lost"  # it could not be opened, or could not go on; it is tried again


class ReaderEvent(StrEnum):
    """What can happen to the reader."""

    OPENED = "opened"
    FAILED = "failed"  # opening it, or in a look so that it must be opened anew


TRANSITIONS: dict[tuple[ReaderState, ReaderEvent], ReaderState] = {
    (ReaderState.OPENING, ReaderEvent.OPENED): ReaderState.OPEN,
    (ReaderState.OPENING, ReaderEvent.FAILED): ReaderState.LOST,
    (ReaderState.OPEN, ReaderEvent.OPENED): ReaderState.OPEN,
    (ReaderState.OPEN, ReaderEvent.FAILED): ReaderState.LOST,
    (ReaderState.LOST, ReaderEvent.OPENED): ReaderState.OPEN,
    (ReaderState.LOST, ReaderEvent.FAILED): ReaderState.LOST,
}


@dataclass(frozen=True)
class ReaderHealth:
    """State of the reader at one moment; `error`: why it was lost, None in the other states."""

    state: ReaderState
    error: str | None = None

    @property
    def sentence(self) -> str | None:
        """Why no plates are read, for a technician; None while they are."""
        if self.state is ReaderState.OPEN:
            return None
        return f"plates are not read yet: {self.error or 'the reader is being opened'}"


def always_open() -> ReaderHealth:
    """The health of a reader that was open from the start."""
    return ReaderHealth(ReaderState.OPEN)


class ReaderInWaiting:
    """A `PlateReader` that stands in until `open_reader` has given one, and while a lost one is opened anew. `reader`: one that
    is open already.

    Between two tries it waits as `pauses` says, from the start again once a look was answered. A look raises `NotReadYet`
    meanwhile, at once. `start` has a thread see to all this; without it, call `attempt` now and then. `clock` gives monotonic
    seconds. Any thread may call anything, `attempt` one at a time.
    """

    def __init__(
        self,
        open_reader: Callable[[], PlateReader],
        reader: PlateReader | None = None,
        clock: Callable[[], float] = time.monotonic,
        pauses: Backoff = PAUSES,
    ) -> None:
        self._open, self._clock, self._pauses = open_reader, clock, pauses
        self._lock = threading.Lock()
        self._stir = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._changed: Callable[[], None] = lambda: None
        self._reader = reader
        self._health = ReaderHealth(ReaderState.OPENING if reader is None else ReaderState.OPEN)
        self._waits: Iterator[float] = iter(pauses)
        self._not_before = float("-inf")

    def find(self, frame_bgr: Image) -> tuple[FoundPlate, ...]:
        """See `PlateReader`."""
        return self._ask(lambda reader: reader.find(frame_bgr))

    def read(self, frame_bgr: Image, found: FoundPlate) -> PlateLook | None:
        """See `PlateReader`."""
        return self._ask(lambda reader: reader.read(frame_bgr, found))

    def health(self) -> ReaderHealth:
        """How the reader does now."""
        with self._lock:
            return self._health

    def wait_s(self) -> float | None:
        """Seconds until it is to be opened, 0 when it is time; None while it is open."""
        with self._lock:
            if self._reader is not None:
                return None
            return max(0.0, self._not_before - self._clock())

    def attempt(self) -> None:
        """Opens the reader when it is time; may take as long as models take to load."""
        if self.wait_s() != 0:
            return
        try:
            reader = self._open()
        except VisionError as error:
            self._turn(ReaderEvent.FAILED, None, str(error).replace("\n", "; "))
        except Exception:  # whatever it is, the screens and booms of the gate must not end with it
            log.exception("reader_failed")
            self._turn(ReaderEvent.FAILED, None, "it cannot be opened; the cause stands in the log")
        else:
            self._turn(ReaderEvent.OPENED, reader, None)

    def start(self, changed: Callable[[], None]) -> None:
        """Has a thread open the reader, and do so again when it is lost; it calls `changed` whenever the health changed."""
        self._changed = changed
        # A daemon: a model that is being loaded cannot be interrupted and must not keep the process from ending.
        self._thread = threading.Thread(target=self._work, name="reader", daemon=True)
        self._thread.start()

    def stop(self, within_s: float = STOPS_WITHIN_S) -> None:
        """Ends the thread; one that is loading models is waited for so long and no longer."""
        self._stopped = True
        self._stir.set()
        if self._thread is not None:
            self._thread.join(within_s)

    def _work(self) -> None:
        while not self._stopped:
            self.attempt()
            self._stir.wait(self.wait_s())
            self._stir.clear()

    def _ask(self, question: Callable[[PlateReader], Answer]) -> Answer:
        with self._lock:
            reader, told = self._reader, self._health.sentence
        if reader is None:
            raise NotReadYet(told)
        try:
            answer = question(reader)
        except ReaderLost as error:
            self._turn(ReaderEvent.FAILED, None, str(error))
            raise
        with self._lock:
            self._waits = iter(self._pauses)
        return answer

    def _turn(self, event: ReaderEvent, reader: PlateReader | None, error: str | None) -> None:
        with self._lock:
            before = self._health
            after = self._health = ReaderHealth(TRANSITIONS[before.state, event], error)
            self._reader = reader
            if event is ReaderEvent.FAILED:
                self._not_before = self._clock() + next(self._waits)
        self._stir.set()
        if before.state is not after.state:
            _tell(before, after)
        if before != after and not self._stopped:
            self._changed()


def _tell(before: ReaderHealth, after: ReaderHealth) -> None:
    if after.state is ReaderState.LOST:
        log.error("reader_lost", error=after.error)
    else:
        log.info("reader_back" if before.state is ReaderState.LOST else "reader_open")
