"""Where the kill of a gate's daemon comes in a passage, and what happens while no program watches."""

from collections.abc import Awaitable, Callable

import pytest

from edge.lane.machine import LaneState
from tests.edge.world import World

S = LaneState
Before = Callable[[World], Awaitable[None]]


class Killed(Exception):
    """The daemon ends here."""


# -- where the kill comes


async def waiting(world: World) -> None:
    await world.vehicle_arrives()


async def asked(world: World) -> None:
    """The opening is on disk, its pulse was not sent."""

    async def killed() -> bool:
        raise Killed

    world.lane.boom.pulse = killed  # type: ignore[method-assign]
    with pytest.raises(Killed):
        await world.confirmed_by_all()


async def opening(world: World) -> None:
    await world.confirmed_by_all()


async def opened(world: World) -> None:
    await world.confirmed_by_all()
    await world.until(S.OPEN)


async def passing(world: World) -> None:
    await opened(world)
    await world.vehicle_drives_under()


async def closing(world: World) -> None:
    await passing(world)
    await world.vehicle_clears()


# -- what happens while no program watches


def nothing(world: World) -> None:
    del world


def leaves(world: World) -> None:
    world.barrier.approach_loop = world.barrier.under_boom_loop = False
    world.reader.plate = None


def drives_under(world: World) -> None:
    world.barrier.approach_loop, world.barrier.under_boom_loop = False, True


def closes(world: World) -> None:
    world.barrier.turn_by_key(up=False)


def leaves_and_closes(world: World) -> None:
    leaves(world)
    closes(world)
