"""How much of a camera's stream is decoded, as a table: all of it, or only key frames while nothing happens in the lane.

Pure: what is remembered, one packet, the time and whether frames are wanted give the next state and what to decode. A group
of pictures is a key frame, which can be decoded by itself, and the packets up to the next, which cannot.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

MOST_GROUP_S = 5.0
"""A group longer than this is not waited for: at rest, no picture is older."""
MOST_PACKETS = 400
MOST_BYTES = 16_000_000
"""What one camera may hold of a group at rest."""


class Pace(StrEnum):
    """How a stream is decoded."""

    RESTING = "resting"  # key frames; the packets after the newest are held
    AWAKE = "awake"  # everything
    RESTLESS = "restless"  # everything until the stream is opened again: its groups are of no use for resting


class PacketEvent(StrEnum):
    """What a packet means."""

    KEY = "key"  # a key frame, nobody wants more
    KEY_WANTED = "key_wanted"
    DELTA = "delta"  # no key frame, nobody wants it
    DELTA_WANTED = "delta_wanted"
    ENDLESS = "endless"  # the group has become too long or too large
    BLIND = "blind"  # what is marked as key frame gave no picture by itself


class Decode(StrEnum):
    """What to do with a packet."""

    THIS = "this"  # decode it
    ALONE = "alone"  # a key frame: decode it by itself; the group held begins with it
    HOLD = "hold"  # hold it
    HELD = "held"  # decode the group held and this packet, hold no more


STEPS: Mapping[tuple[Pace, PacketEvent], tuple[Pace, Decode]] = MappingProxyType(
    {
        (Pace.RESTING, PacketEvent.KEY): (Pace.RESTING, Decode.ALONE),
        (Pace.RESTING, PacketEvent.KEY_WANTED): (Pace.AWAKE, Decode.THIS),
        (Pace.RESTING, PacketEvent.DELTA): (Pace.RESTING, Decode.HOLD),
        (Pace.RESTING, PacketEvent.DELTA_WANTED): (Pace.AWAKE, Decode.HELD),
        (Pace.RESTING, PacketEvent.ENDLESS): (Pace.RESTLESS, Decode.HELD),
        (Pace.RESTING, PacketEvent.BLIND): (Pace.RESTLESS, Decode.THIS),
        # rest begins with a key frame, so that the group held is always whole
        (Pace.AWAKE, PacketEvent.KEY): (Pace.RESTING, Decode.ALONE),
        (Pace.AWAKE, PacketEvent.KEY_WANTED): (Pace.AWAKE, Decode.THIS),
        (Pace.AWAKE, PacketEvent.DELTA): (Pace.AWAKE, Decode.THIS),
        (Pace.AWAKE, PacketEvent.DELTA_WANTED): (Pace.AWAKE, Decode.THIS),
        (Pace.AWAKE, PacketEvent.ENDLESS): (Pace.RESTLESS, Decode.THIS),
        (Pace.AWAKE, PacketEvent.BLIND): (Pace.RESTLESS, Decode.THIS),
        **{(Pace.RESTLESS, event): (Pace.RESTLESS, Decode.THIS) for event in PacketEvent},
    }
)


@dataclass(frozen=True)
class Rhythm:
    """What is remembered of a stream. `began_at`: the second of the newest key frame, or of the opening.

    `group_s` is the time between the newest two key frames, None before the second. `packets` and `held_bytes` are those
    of the group held.
    """

    began_at: float
    pace: Pace = Pace.AWAKE
    group_s: float | None = None
    keyed: bool = False
    packets: int = 0
    held_bytes: int = 0


def step(rhythm: Rhythm, *, key: bool, size_bytes: int, wanted: bool, now: float) -> tuple[Rhythm, Decode]:
    """Takes one packet at the monotonic second `now`; `wanted`: somebody wants every frame."""
    pace, decode = STEPS[rhythm.pace, _event(rhythm, key, size_bytes, wanted, now)]
    if key:
        group_s = now - rhythm.began_at if rhythm.keyed else None
        rhythm = Rhythm(now, group_s=group_s, keyed=True)
    holds = pace is Pace.RESTING
    return replace(
        rhythm,
        pace=pace,
        packets=rhythm.packets + 1 if holds else 0,
        held_bytes=rhythm.held_bytes + size_bytes if holds else 0,
    ), decode


def blind(rhythm: Rhythm) -> tuple[Rhythm, Decode]:
    """The key frame just decoded alone gave no picture."""
    pace, decode = STEPS[rhythm.pace, PacketEvent.BLIND]
    return replace(rhythm, pace=pace, packets=0, held_bytes=0), decode


def _event(rhythm: Rhythm, key: bool, size_bytes: int, wanted: bool, now: float) -> PacketEvent:
    if key:
        return PacketEvent.KEY_WANTED if wanted else PacketEvent.KEY
    too_large = rhythm.packets >= MOST_PACKETS or rhythm.held_bytes + size_bytes > MOST_BYTES
    if too_large or now - rhythm.began_at > MOST_GROUP_S:
        return PacketEvent.ENDLESS
    return PacketEvent.DELTA_WANTED if wanted else PacketEvent.DELTA
