"""A camera's stream through PyAV: every packet is received, and as much is decoded as is wanted."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from edge.capture.pace import Decode, Rhythm, blind, step
from edge.capture.source import CannotOpen, Image, NoMoreFrames, redacted

if TYPE_CHECKING:  # at run time av.Packet takes no parameters
    Packet: TypeAlias = av.Packet[Any]
else:
    Packet = av.Packet

KEY_EVERY_S = 0.45
"""At rest, key frames that follow each other more closely are held and not decoded; some codecs have nothing else.

Less than half a second: where every second one is skipped, the next is still decoded within a second.
"""
_FROZEN = 0.9  # share of the read time-out after which a wait counts as timed out

# FFmpeg's own values take 5 s to open and then deliver a backlog as old; UDP loses packets; sound is not wanted.
_OPTIONS = {"rtsp_transport": "tcp", "analyzeduration": "200000", "allowed_media_types": "video"}


class Video(Protocol):
    """An opened stream."""

    @property
    def rhythm(self) -> Rhythm:
        """How its packets come, and how much is decoded."""
        ...

    @property
    def decoding_since(self) -> float | None:
        """The monotonic second at which the newest packet came, None while the next is waited for."""
        ...

    def read(self, wanted: bool) -> Image | None:
        """The next picture; blocks; raises `NoMoreFrames` at the end or when the read time-out has passed.

        None when video arrived and was only held, which happens while no frames are `wanted`.
        """
        ...

    def close(self) -> None:
        """Lets go of the stream; may block for as long as a read."""
        ...


class Decoder(Protocol):
    """Makes pictures of packets."""

    def follow(self, packets: Sequence[Packet]) -> Image | None:
        """The newest picture after these packets, which follow those before; None when they gave none."""
        ...

    def alone(self, key: Packet) -> Image | None:
        """The picture of a key frame by itself; afterwards everything before is forgotten."""
        ...


class LiveVideo:
    """A `Video` whose pace follows what is wanted. `packets` are those of its pictures, an empty one at the end."""

    def __init__(
        self,
        name: str,
        packets: Iterator[Packet],
        decoder: Decoder,
        *,
        read_timeout_s: float,
        clock: Callable[[], float] = time.monotonic,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self.rhythm = Rhythm(clock())
        self.decoding_since: float | None = None
        self.close = close
        self._name = name
        self._packets = packets
        self._decoder = decoder
        self._read_timeout_s = read_timeout_s
        self._clock = clock
        self._held: list[Packet] = []
        self._alone_at = float("-inf")

    def read(self, wanted: bool) -> Image | None:
        """See `Video.read`."""
        began = self._clock()
        while self._clock() - began < self._read_timeout_s:
            packet = self._next()
            self.rhythm, decode = step(
                self.rhythm, key=packet.is_keyframe, size_bytes=packet.size, wanted=wanted, now=self._clock()
            )
            if decode is Decode.HOLD:
                self._held.append(packet)
                return None
            if decode is Decode.ALONE and self._clock() - self._alone_at < KEY_EVERY_S:
                self._held = [packet]
                return None
            image = self._decoded(packet, decode)
            if image is not None:
                return image
        raise NoMoreFrames(
            f"{self._name}: no picture for {self._clock() - began:.1f} s; check the camera and its codec (H.264 or H.265)."
        )

    def _next(self) -> Packet:
        lost = f"{self._name}: no further picture; check the camera, its cable and the switch."
        began, self.decoding_since = self._clock(), None
        try:
            packet = next(self._packets, None)
        except (av.FFmpegError, OSError):
            raise NoMoreFrames(lost) from None  # FFmpeg's error carries the address with its password
        if packet is None or not packet.size:
            raise NoMoreFrames(lost)
        came = self._clock()
        if came - began >= _FROZEN * self._read_timeout_s:
            # After a time-out FFmpeg still hands out what it had buffered: old pictures that would look fresh.
            raise NoMoreFrames(f"{self._name}: the camera stood still for {came - began:.1f} s.")
        self.decoding_since = came
        return packet

    def _decoded(self, packet: Packet, decode: Decode) -> Image | None:
        if decode is Decode.ALONE:
            self._held, began = [packet], self._clock()
            image = self._decoder.alone(packet)
            if image is not None:
                self._alone_at = began
                return image
            self.rhythm, _ = blind(self.rhythm)
            return self._release([])
        if decode is Decode.HELD:
            return self._release([packet])
        self._held = []
        return self._decoder.follow([packet])

    def _release(self, more: list[Packet]) -> Image | None:
        held, self._held = self._held, []
        return self._decoder.follow([*held, *more])


class AvDecoder:
    """A `Decoder` of PyAV's."""

    def __init__(self, codec: VideoCodecContext) -> None:
        codec.thread_count = 1  # several would hand out every picture some pictures later
        self._codec = codec
        self._reformatter = VideoReformatter()

    def follow(self, packets: Sequence[Packet]) -> Image | None:
        """See `Decoder.follow`. Only the picture that is given is converted."""
        newest = None
        for packet in packets:
            newest = self._decode(packet) or newest
        return None if newest is None else self._image(newest)

    def alone(self, key: Packet) -> Image | None:
        """See `Decoder.alone`. The end of the stream is feigned, for codecs that hold pictures back."""
        self._codec.flush_buffers()
        newest = self._decode(key)
        newest = self._decode(None) or newest
        self._codec.flush_buffers()
        return None if newest is None else self._image(newest)

    def _decode(self, packet: Packet | None) -> VideoFrame | None:
        # A damaged packet costs its picture and no more.
        with contextlib.suppress(av.error.InvalidDataError):
            frames = self._codec.decode(packet)
            return frames[-1] if frames else None
        return None

    def _image(self, frame: VideoFrame) -> Image:
        return np.asarray(self._reformatter.reformat(frame, format="bgr24").to_ndarray(), np.uint8)


def open_live(url: str, *, open_timeout_s: float, read_timeout_s: float) -> LiveVideo:
    """Opens an RTSP or HTTP stream; blocks up to `open_timeout_s`; raises `CannotOpen`."""
    name = redacted(url)
    try:
        container = av.open(url, options=_OPTIONS, timeout=(open_timeout_s, read_timeout_s))
    except (av.FFmpegError, OSError, ValueError):
        raise CannotOpen(
            f"{name}: does not open as video; check address, user, password and whether it answers."
        ) from None  # FFmpeg's error carries the address with its password
    if not container.streams.video:
        container.close()
        raise CannotOpen(f"{name}: sends no video; check the address.")
    stream = container.streams.video[0]
    codec: VideoCodecContext | None = stream.codec_context  # PyAV's types leave out that it may be missing
    if codec is None:
        container.close()
        raise CannotOpen(f"{name}: sends video of an unknown codec; set the camera to H.264 or H.265.")
    packets = container.demux(stream)
    return LiveVideo(name, packets, AvDecoder(codec), read_timeout_s=read_timeout_s, close=container.close)
