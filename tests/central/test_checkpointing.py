"""The centre's checkpoints: when one is due, what is in it, and that nothing forgotten is."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from central.centre import Centre
from central.checkpointing import EVERY, SiteCheckpoints
from shared.bodies import Forget, dump
from shared.checkpoint import Manifest
from shared.facts import Draft
from shared.node.checkpoints import Checkpoints
from shared.node.declarations import DeclarationBook, Declarations
from shared.node.errors import StoreUnusable
from shared.node.store import Store
from tests.engines import on_both_engines

pytestmark = on_both_engines

SITE = "CKHN"


@pytest.fixture
def site(centre: Centre) -> SiteCheckpoints:
    return centre.checkpoints[SITE]


@pytest.fixture
def declared(ask: Any, declaration: Any) -> Any:
    return ask("POST", "/api/declarations", json=declaration).json()


def _forget(ref: str) -> Draft:
    return Draft("forget", "declaration/2026112300001", dump(Forget(facts=[ref])))


def begin(folder: Path, checkpoints: Checkpoints) -> Store:
    """A gate's empty store that has begun from a checkpoint."""
    store = Store(folder / "gate.db", [Declarations()])
    checkpoints.adopt(store, "gate-2")
    return store


def test_a_gate_that_begins_from_it_holds_what_is_alive_with_its_values(
    tmp_path: Path, centre: Centre, site: SiteCheckpoints, declared: Any
) -> None:
    manifest = asyncio.run(site.make())
    store = begin(tmp_path, Checkpoints(tmp_path / "checkpoints" / SITE))

    manifest.check(centre.journals.key.public)
    assert DeclarationBook(store).find(declared["no"]) is not None
    assert store.private(declared["ref"]) == centre.store.private(declared["ref"])
    store.close()


def test_it_holds_the_journals_of_its_site_only(ask: Any, declaration: Any, site: SiteCheckpoints) -> None:
    for name in (SITE, "TT"):
        ask("POST", "/api/declarations", json=declaration | {"site": name})

    assert set(asyncio.run(site.make()).heads) == {"centre-CKHN.1"}


def test_facts_that_come_after_the_heads_were_taken_are_not_in_it(
    centre: Centre, site: SiteCheckpoints, ask: Any, declaration: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("POST", "/api/declarations", json=declaration)
    heads = centre.store.heads()
    ask("POST", "/api/declarations", json=declaration)
    monkeypatch.setattr(centre.store, "heads", lambda: heads)

    manifest = asyncio.run(site.make())

    assert [one.fact.seq for one in site.kept.live()] == [1]
    assert manifest.heads["centre-CKHN.1"].seq == 1


@pytest.mark.usefixtures("declared")
def test_a_checkpoint_is_due_at_first_when_it_is_old_and_when_a_part_is_lost(
    site: SiteCheckpoints, clocks: Any, tmp_path: Path
) -> None:
    first = site.due(clocks.wall)
    asyncio.run(site.make())
    later = [site.due(clocks.wall + age) for age in (timedelta(0), EVERY / 2, EVERY)]
    for part in (tmp_path / "checkpoints" / SITE).glob("*.part"):
        part.unlink()

    assert [first, *later, site.due(clocks.wall)] == [True, False, False, True, True]


def test_after_a_forget_one_is_due_and_the_values_are_in_no_file(
    administer: Any, declared: Any, site: SiteCheckpoints, clocks: Any, tmp_path: Path
) -> None:
    asyncio.run(site.make())
    before = [dict(one.private) for one in site.kept.live()]
    administer("POST", f"/api/declarations/{declared['no']}/forget")
    due = site.due(clocks.wall)
    asyncio.run(site.make())

    assert any(before)
    assert due
    assert not any(one.private for one in site.kept.live())
    assert len(list((tmp_path / "checkpoints" / SITE).glob("*.part"))) == 1


def test_a_forget_wakes_the_making_and_each_checkpoint_is_told(
    centre: Centre, declared: Any, site: SiteCheckpoints
) -> None:
    async def run() -> list[Manifest]:
        told: asyncio.Queue[Manifest] = asyncio.Queue()
        site.made = told.put_nowait
        making = asyncio.create_task(site.run())
        first = await asyncio.wait_for(told.get(), 8)
        centre.journals.write(SITE, _forget(declared["ref"]))
        site.look()
        second = await asyncio.wait_for(told.get(), 8)
        making.cancel()
        return [first, second]

    first, second = asyncio.run(run())

    assert first.at < second.at
    assert site.newest == second
    assert not any(one.private for one in site.kept.live())


@pytest.mark.usefixtures("declared")
def test_of_several_processes_only_the_one_that_leads_makes_it(site: SiteCheckpoints) -> None:
    async def run() -> None:
        making = asyncio.create_task(site.run(leads=lambda: False))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        making.cancel()

    asyncio.run(run())

    assert site.newest is None


@pytest.mark.usefixtures("declared")
def test_the_administrator_has_one_made_for_every_site_and_the_page_says_when(
    ask: Any, administer: Any
) -> None:
    before = (ask("GET", "/api/checkpoints").json(), ask("GET", "/board").text)
    refused = ask("POST", "/api/checkpoints").status_code
    made = administer("POST", "/api/checkpoints").json()

    assert before[0] == []
    assert "chưa có" in before[1]
    assert refused == 401
    assert [(one["site"], one["facts"], one["journals"]) for one in made] == [("CKHN", 1, 1), ("TT", 0, 0)]
    assert ask("GET", "/api/checkpoints").json() == made
    assert "08:00 23/11/2026 · 1 dữ kiện" in ask("GET", "/board").text


def test_a_folder_that_cannot_be_written_is_named(site: SiteCheckpoints, tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / SITE).write_text("no folder", encoding="utf-8")

    with pytest.raises(StoreUnusable, match=SITE):
        asyncio.run(site.make())
