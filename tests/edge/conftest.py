"""Worlds of one lane, closed after the test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.edge.world import World


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes worlds, and closes their stores."""
    made: list[World] = []

    def make_one(**how: Any) -> World:
        made.append(World(tmp_path / str(len(made)), **how))
        return made[-1]

    yield make_one
    for world in made:
        world.store.close()
