"""How much of a stream is decoded: key frames at rest, the whole group on waking, everything where groups are of no use."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise, product

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.capture.live import KEY_EVERY_S, AvDecoder, LiveVideo, Packet
from edge.capture.pace import (
    MOST_BYTES,
    MOST_GROUP_S,
    MOST_PACKETS,
    REGULAR_GROUPS,
    STEPS,
    UNFIT_GROUPS,
    Decode,
    Pace,
    PacketEvent,
    Rhythm,
    cannot_rest,
    step,
)
from edge.capture.source import Image, NoMoreFrames
from tests.edge.clips import grey
from tests.edge.world import Clock

FRAME_S = 0.04


def test_every_pace_knows_every_event() -> None:
    assert set(STEPS) == set(product(Pace, PacketEvent))


def test_packets_are_held_only_at_rest_and_never_left_behind_on_waking() -> None:
    assert {pace for (pace, _), (_, decode) in STEPS.items() if decode is Decode.HOLD} == {Pace.RESTING}
    waking = {
        row for row, (after, _) in STEPS.items() if row[0] is Pace.RESTING and after is not Pace.RESTING
    }
    assert {STEPS[row][1] for row in waking if row[1] is not PacketEvent.KEY_WANTED} == {Decode.HELD}


Arriving = st.tuples(st.booleans(), st.integers(1, MOST_BYTES), st.booleans(), st.floats(0.001, 1.0))


@given(st.lists(Arriving, max_size=600))
def test_what_is_held_is_bounded_whatever_arrives(packets: list[tuple[bool, int, bool, float]]) -> None:
    rhythm, now = Rhythm(0.0), 0.0
    for key, size_bytes, wanted, passed_s in packets:
        now += passed_s
        rhythm, _ = step(rhythm, key=key, size_bytes=size_bytes, wanted=wanted, now=now)
        assert rhythm.packets <= MOST_PACKETS
        assert rhythm.size_bytes <= MOST_BYTES
        assert rhythm.pace is not Pace.RESTING or now - rhythm.began_at <= MOST_GROUP_S


def numbered(packet: Packet) -> int:
    return int(bytes(packet)[:9])


class NumberDecoder:
    """A picture is as large as its packet's number; without its key frame a packet cannot be decoded."""

    def __init__(self, clock: Clock, blind: bool = False) -> None:
        self.decoded: list[int] = []
        self.blind = blind
        self.takes_s = 0.0
        self._clock = clock
        self._before: int | None = None

    def follow(self, packets: Sequence[Packet]) -> Image | None:
        image = None
        for packet in packets:
            number = numbered(packet)
            if packet.is_keyframe or self._before == number - 1:
                self._before, image = number, np.zeros(number, np.uint8)
            self.decoded.append(number)
            self._clock.advance(self.takes_s)
        return image

    def alone(self, key: Packet) -> Image | None:
        assert key.is_keyframe
        self._before = None
        self.decoded.append(numbered(key))
        return None if self.blind else np.zeros(numbered(key), np.uint8)


class Stream:
    """A video of packets of which every `group`-th is a key frame; a frame's time passes with each."""

    def __init__(
        self, group: int, *, blind: bool = False, size: int = 9, count: int = 10_000, frame_s: float = FRAME_S
    ) -> None:
        self.clock = Clock()
        self.decoder = NumberDecoder(self.clock, blind)
        self.stalls_s: dict[int, float] = {}
        self.frame_s = frame_s
        packets = self._packets(group, size, count)
        self.video = LiveVideo("cam", packets, self.decoder, read_timeout_s=3.0, clock=self.clock)

    def reads(self, count: int, *, wanted: bool = False) -> list[int | None]:
        images = [self.video.read(wanted) for _ in range(count)]
        return [None if image is None else image.size for image in images]

    def _packets(self, group: int, size: int, count: int) -> Iterator[Packet]:
        for number in range(count):
            self.clock.advance(self.frame_s + self.stalls_s.get(number, 0.0))
            packet = av.Packet(f"{number}".ljust(size).encode())
            packet.is_keyframe = group > 0 and number % group == 0
            yield packet


def test_at_rest_only_key_frames_are_decoded() -> None:
    stream = Stream(50)
    assert [one for one in stream.reads(150) if one is not None] == [0, 50, 100]
    assert stream.decoder.decoded == [0, 50, 100]
    assert stream.video.rhythm.group_s == pytest.approx(2.0)


def test_on_waking_the_next_picture_is_that_of_now_and_then_every_frame_flows() -> None:
    stream = Stream(50)
    stream.reads(80)
    assert stream.reads(4, wanted=True) == [80, 81, 82, 83]
    assert stream.decoder.decoded == [0, 50, *range(50, 84)]


def test_rest_begins_with_the_next_key_frame() -> None:
    stream = Stream(10)
    stream.reads(5, wanted=True)
    assert stream.reads(10) == [5, 6, 7, 8, 9, 10, None, None, None, None]


def test_a_stream_of_nothing_but_key_frames_is_decoded_about_twice_a_second() -> None:
    stream = Stream(1)
    decoded = [one for one in stream.reads(100) if one is not None]
    assert 6 <= len(decoded) <= 100 * FRAME_S / KEY_EVERY_S + 1
    assert stream.reads(1, wanted=True) == [100]


def test_waking_between_a_key_frame_that_was_not_decoded_and_the_next_shows_now() -> None:
    stream = Stream(5)
    stream.reads(8)
    assert stream.reads(2, wanted=True) == [8, 9]


def test_a_group_without_end_is_decoded_whole_and_from_then_on_everything() -> None:
    stream = Stream(100_000)
    seen = stream.reads(300)
    first = next(number for number, one in enumerate(seen) if number and one is not None)
    assert first == pytest.approx(MOST_GROUP_S / FRAME_S, abs=1)
    assert seen[first:] == list(range(first, 300))
    stream.reads(100)
    assert "no key frame comes within 5 s" in (cannot_rest(stream.video.rhythm) or "")


def test_packets_too_large_to_hold_are_decoded() -> None:
    stream = Stream(100, size=MOST_BYTES // 4)
    assert stream.reads(6) == [0, None, None, None, 4, 5]
    stream.reads(10)
    assert "too much comes between two key frames" in (cannot_rest(stream.video.rhythm) or "")


def test_a_stream_whose_key_frames_are_not_marked_is_decoded_as_a_whole() -> None:
    stream = Stream(0)
    stream.decoder._before = -1
    assert stream.reads(400) == list(range(400))
    assert stream.video.rhythm.pace is Pace.RESTLESS


def test_key_frames_that_show_nothing_by_themselves_end_the_resting() -> None:
    stream = Stream(10, blind=True)
    assert stream.reads(20) == list(range(20))
    assert cannot_rest(stream.video.rhythm) is None
    assert stream.reads(20) == list(range(20, 40))
    assert "key frames cannot be decoded by themselves" in (cannot_rest(stream.video.rhythm) or "")


def test_one_damaged_key_frame_costs_the_rest_of_its_group_only() -> None:
    stream = Stream(25)
    stream.reads(25)
    for _ in range(2 * UNFIT_GROUPS):
        stream.decoder.blind = True
        assert None not in stream.reads(25)
        stream.decoder.blind = False
        assert stream.reads(25).count(None) == 24
        assert stream.video.rhythm.pace is Pace.RESTING


def test_one_stall_does_not_end_the_resting() -> None:
    stream = Stream(75)
    stream.stalls_s = {70: 2.5}
    stream.reads(75)
    assert stream.video.rhythm.pace is Pace.AWAKE
    stream.reads(10)
    assert stream.video.rhythm.pace is Pace.RESTING


@pytest.mark.parametrize(("wanted", "after"), [(False, Pace.RESTING), (True, Pace.AWAKE)])
def test_a_stream_that_has_become_regular_rests_again(wanted: bool, after: Pace) -> None:
    stream = Stream(10, blind=True)
    stream.reads(10 * UNFIT_GROUPS)
    stream.decoder.blind = False
    stream.reads(10 * REGULAR_GROUPS, wanted=wanted)
    assert stream.video.rhythm.pace is Pace.RESTLESS
    stream.reads(11, wanted=wanted)
    assert stream.video.rhythm.pace is after


def test_a_stream_that_is_no_better_is_tried_once_and_not_three_times() -> None:
    stream = Stream(10, blind=True)
    stream.reads(10 * (UNFIT_GROUPS + REGULAR_GROUPS) + 20)
    assert stream.video.rhythm.pace is Pace.RESTLESS


@pytest.mark.parametrize(
    ("group", "frame_s"), [(18, 0.04), (20, 0.04), (22, 0.04), (7, 0.1), (11, 0.04), (1, 0.04)]
)
def test_at_rest_no_picture_is_older_than_a_second(group: int, frame_s: float) -> None:
    stream, times_s = Stream(group, frame_s=frame_s), []
    for _ in range(400):
        if stream.video.read(False) is not None:
            times_s.append(stream.clock())
    assert max(after - before for before, after in pairwise(times_s)) <= 1.0


def test_a_slow_machine_is_not_taken_for_a_camera_that_stood_still() -> None:
    stream = Stream(100)
    stream.reads(99)
    stream.decoder.takes_s = 0.03
    assert stream.reads(1, wanted=True) == [99]
    came = stream.video.decoding_since
    assert came is not None
    assert stream.clock() - came == pytest.approx(0.03 * 100)


def test_a_picture_handed_out_after_a_timeout_is_old_and_not_given() -> None:
    stream = Stream(10)
    stream.stalls_s = {5: 2.9}
    stream.reads(5)
    with pytest.raises(NoMoreFrames, match=r"cam: the camera stood still for 2\.9 s"):
        stream.reads(1)
    assert stream.video.decoding_since is None


def test_the_end_and_packets_of_which_nothing_comes_are_told() -> None:
    ending = Stream(10, count=5)
    ending.reads(5)
    with pytest.raises(NoMoreFrames, match="cam: no further picture"):
        ending.reads(1)

    undecodable = Stream(0)
    with pytest.raises(NoMoreFrames, match=r"cam: no picture for 3\.0 s; .* codec"):
        undecodable.reads(1, wanted=True)


@pytest.mark.parametrize(
    "error", [av.error.ExitError(1, "rtsp://u:secret@cam"), OSError("rtsp://u:secret@cam")]
)
def test_what_breaks_the_stream_is_told_without_the_password(error: Exception) -> None:
    def breaks() -> Iterator[Packet]:
        raise error
        yield av.Packet(b"")

    video = LiveVideo("cam", breaks(), NumberDecoder(Clock()), read_timeout_s=3.0)
    with pytest.raises(NoMoreFrames) as caught:
        video.read(False)
    assert caught.value.__suppress_context__
    assert "secret" not in str(caught.value)


def coded(encoder: str, levels: Sequence[int], reordered: int) -> list[Packet]:
    """Packets of one group of pictures of the given grey levels, `reordered` of them between two others."""
    codec = av.CodecContext.create(encoder, "w")
    codec.width, codec.height, codec.pix_fmt, codec.time_base = 320, 240, "yuv420p", Fraction(1, 25)
    codec.gop_size, codec.max_b_frames = 1000, reordered
    codec.options = {"preset": "ultrafast", "x265-params": "log-level=none"}
    packets = []
    for number, level in enumerate(levels):
        frame = av.VideoFrame.from_ndarray(grey(level, 320, 240), format="bgr24")
        frame.pts = number
        packets += codec.encode(frame)
    return [*packets, *codec.encode(None)]


@pytest.mark.parametrize(("encoder", "decoder"), [("libx264", "h264"), ("libx265", "hevc")])
@pytest.mark.parametrize("reordered", [0, 2])
def test_a_key_frame_is_shown_by_itself_and_the_group_leads_to_now(
    encoder: str, decoder: str, reordered: int
) -> None:
    levels = range(20, 220, 5)
    packets = coded(encoder, levels, reordered)
    assert [packet.is_keyframe for packet in packets] == [True] + [False] * (len(levels) - 1)
    ours = AvDecoder(av.CodecContext.create(decoder, "r"))
    for _ in range(2):
        alone = ours.alone(packets[0])
        assert alone is not None
        assert float(alone.mean()) == pytest.approx(levels[0], abs=3)

        now = ours.follow(packets)
        assert now is not None
        assert float(now.mean()) >= levels[-1] - 5 * (reordered + 3)  # what the codec itself holds back


def test_a_damaged_packet_costs_its_picture_and_no_more() -> None:
    packets = coded("libx264", range(20, 60, 5), 0)
    ours = AvDecoder(av.CodecContext.create("h264", "r"))
    assert ours.follow([av.Packet(b"\x00\x00\x00\x01\x65 no slice")]) is None
    assert ours.alone(packets[0]) is not None
