"""One real site for the faults of a module; every test leaves it whole."""

from collections.abc import Iterator

import pytest

from tests.scenarios.running import RunningSite


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    with RunningSite(tmp_path_factory.mktemp("faults") / "run") as running:
        yield running
