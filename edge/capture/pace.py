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


UNFIT_GROUPS = 3
"""So many groups in a row of no use for resting end it: one damaged key frame or a stall tells nothing of the camera."""
REGULAR_GROUPS = 10
"""So many regular groups in a row, and resting is tried again."""


class Pace(StrEnum):
    """How a stream is decoded."""

    RESTING = "resting"  # key frames; the packets after the newest are held
    AWAKE = "awake"  # everything
    RESTLESS = "restless"  # everything, whether wanted or not: its groups are of no use for resting


class PacketEvent(StrEnum):
    """What a packet means."""

    KEY = "key"  # a key frame, nobody wants more
    KEY_WANTED = "key_wanted"
    DELTA = "delta"  # no key frame, nobody wants it
    DELTA_WANTED = "delta_wanted"
    UNFIT = "unfit"  # its group is of no use for resting
    HOPELESS = "hopeless"  # too many groups in a row were of no use, and not enough since were regular


class Unfit(StrEnum):
    """Why a group is of no use for resting."""

    LONG = "long"  # no key frame within `MOST_GROUP_S`
    LARGE = "large"  # more than may be held
    BLIND = "blind"  # what is marked as key frame gave no picture by itself


class Decode(StrEnum):
    """What to do with a packet."""

    THIS = "this"  # decode it
    ALONE = "alone"  # a key frame: decode it by itself; the group held begins with it
    HOLD = "hold"  # hold it
    HELD = "held"  # decode the group held and this packet, hold no more


_ALL: Mapping[PacketEvent, tuple[Pace, Decode]] = {
    # rest begins with a key frame, so that the group held is always whole
    PacketEvent.KEY: (Pace.RESTING, Decode.ALONE),
    PacketEvent.KEY_WANTED: (Pace.AWAKE, Decode.THIS),
    PacketEvent.DELTA: (Pace.AWAKE, Decode.THIS),
    PacketEvent.DELTA_WANTED: (Pace.AWAKE, Decode.THIS),
    PacketEvent.UNFIT: (Pace.AWAKE, Decode.THIS),
    PacketEvent.HOPELESS: (Pace.RESTLESS, Decode.THIS),
}
STEPS: Mapping[tuple[Pace, PacketEvent], tuple[Pace, Decode]] = MappingProxyType(
    {
        (Pace.RESTING, PacketEvent.KEY): (Pace.RESTING, Decode.ALONE),
        (Pace.RESTING, PacketEvent.KEY_WANTED): (Pace.AWAKE, Decode.THIS),
        (Pace.RESTING, PacketEvent.DELTA): (Pace.RESTING, Decode.HOLD),
        (Pace.RESTING, PacketEvent.DELTA_WANTED): (Pace.AWAKE, Decode.HELD),
        (Pace.RESTING, PacketEvent.UNFIT): (Pace.AWAKE, Decode.HELD),
        (Pace.RESTING, PacketEvent.HOPELESS): (Pace.RESTLESS, Decode.HELD),
        **{(Pace.AWAKE, event): after for event, after in _ALL.items()},
        **{(Pace.RESTLESS, event): after for event, after in _ALL.items()},
    }
)

_SENTENCES: Mapping[Unfit, str] = {
    Unfit.LONG: f"no key frame comes within {MOST_GROUP_S:.0f} s; set the camera to one a second",
    Unfit.LARGE: "too much comes between two key frames; set the camera to one a second, or to a lower bit rate",
    Unfit.BLIND: "its key frames cannot be decoded by themselves; set the camera to H.264 or H.265, without intra refresh",
}


@dataclass(frozen=True)
class Rhythm:
    """What is remembered of a stream.

    `began_at`: the second at which the present group began: with the newest key frame, at the opening, or where it became
    unfit. `regular`: it began with a key frame and is fit so far. `group_s` is the time between the newest two key frames,
    None where the group between was not regular. `packets` and `size_bytes` are those of the group so far.

    `doubt`: unfit groups in a row; from `UNFIT_GROUPS` on, regular groups still asked for beyond the last of doubt.
    `unfit`: why the newest unfit group was so.
    """

    began_at: float
    pace: Pace = Pace.AWAKE
    group_s: float | None = None
    regular: bool = False
    packets: int = 0
    size_bytes: int = 0
    doubt: int = 0
    unfit: Unfit | None = None


def step(rhythm: Rhythm, *, key: bool, size_bytes: int, wanted: bool, now: float) -> tuple[Rhythm, Decode]:
    """Takes one packet at the monotonic second `now`; `wanted`: somebody wants every frame."""
    if key:
        rhythm, event = _begun(rhythm, now), PacketEvent.KEY_WANTED if wanted else PacketEvent.KEY
    elif (unfit := _unfit(rhythm, size_bytes, now)) is not None:
        rhythm, event = _broken(rhythm, unfit, now), PacketEvent.UNFIT
    else:
        event = PacketEvent.DELTA_WANTED if wanted else PacketEvent.DELTA
    counted = replace(rhythm, packets=rhythm.packets + 1, size_bytes=rhythm.size_bytes + size_bytes)
    return _turned(counted, event)


def blind(rhythm: Rhythm) -> tuple[Rhythm, Decode]:
    """The key frame just decoded alone gave no picture."""
    return _turned(_broken(rhythm, Unfit.BLIND, rhythm.began_at), PacketEvent.UNFIT)


def cannot_rest(rhythm: Rhythm) -> str | None:
    """Why all of a stream is decoded though nobody wants it, and what to set; None where that is not so."""
    return _SENTENCES[rhythm.unfit] if rhythm.pace is Pace.RESTLESS and rhythm.unfit else None


def _turned(rhythm: Rhythm, event: PacketEvent) -> tuple[Rhythm, Decode]:
    pace, decode = STEPS[rhythm.pace, PacketEvent.HOPELESS if rhythm.doubt >= UNFIT_GROUPS else event]
    return replace(rhythm, pace=pace), decode


def _begun(rhythm: Rhythm, now: float) -> Rhythm:
    """A group begins with a key frame; the one that it ends counts for the stream if it was regular."""
    group_s, doubt = None, rhythm.doubt
    if rhythm.regular:
        group_s, doubt = now - rhythm.began_at, doubt - 1 if doubt >= UNFIT_GROUPS else 0
    return replace(rhythm, began_at=now, group_s=group_s, regular=True, packets=0, size_bytes=0, doubt=doubt)


def _broken(rhythm: Rhythm, unfit: Unfit, now: float) -> Rhythm:
    """The group is unfit; what follows counts as another, so that a stream without key frames is judged too."""
    last = UNFIT_GROUPS - 1
    doubt = rhythm.doubt + 1 if rhythm.doubt < last else last + REGULAR_GROUPS
    return replace(
        rhythm, began_at=now, group_s=None, regular=False, packets=0, size_bytes=0, doubt=doubt, unfit=unfit
    )


def _unfit(rhythm: Rhythm, size_bytes: int, now: float) -> Unfit | None:
    if now - rhythm.began_at > MOST_GROUP_S:
        return Unfit.LONG
    too_large = rhythm.packets >= MOST_PACKETS or rhythm.size_bytes + size_bytes > MOST_BYTES
    return Unfit.LARGE if too_large else None
