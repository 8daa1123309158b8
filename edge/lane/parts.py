"""What a lane is, and what it works with."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge.capture import Camera
from edge.changes import Changes
from edge.lane.passage import Knowledge
from edge.lane.reading import Eyes
from edge.pictures import Pictures
from hardware.barrier import Barrier, InputReader
from shared.codes import Heading, Place
from shared.facts import Draft, Sealed


@dataclass(frozen=True)
class LaneSettings:
    """What a lane is: its name, place, heading and the boom's time-out in seconds."""

    name: str
    place: Place
    heading: Heading
    move_timeout_s: float = 8.0


@dataclass(frozen=True)
class LaneParts:
    """What a lane works with."""

    cameras: Sequence[Camera]
    barrier: Barrier
    inputs: InputReader
    eyes: Eyes
    pictures: Pictures
    knowledge: Knowledge
    write: Callable[[Sequence[Draft]], list[Sealed]]
    changes: Changes
    clock: Callable[[], float] = time.monotonic
