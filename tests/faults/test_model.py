"""A site that everything happens to: whatever is lost, repeated, reordered, cut, restored or cloned, all nodes end up alike."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    run_state_machine_as_test,
)

from shared.node import beginning, own, sync
from tests.faults.model_end import DECLARED
from tests.faults.model_rules import SiteModel


@contextmanager
def repeatable() -> Iterator[None]:
    """Nothing is left to chance but what hypothesis draws; a checkpoint is worth it sooner."""
    drawn = itertools.count()

    class Secrets:
        @staticmethod
        def randbelow(most: int) -> int:
            return next(drawn) % most

    with (
        patch.object(own, "secrets", Secrets),
        patch.object(sync, "TICK_S", 0.0),
        patch.object(beginning, "LEAP", 6),
    ):
        yield


def run(examples: int, steps: int, *, derandomize: bool) -> None:
    checked = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=derandomize,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    with repeatable():
        run_state_machine_as_test(SiteModel, settings=checked)


def test_whatever_happens_to_a_site_all_nodes_end_up_alike_and_nothing_is_lost() -> None:
    run(80, 40, derandomize=True)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_whatever_happens_to_a_site_for_long_all_nodes_end_up_alike_and_nothing_is_lost() -> None:
    run(1000, 80, derandomize=False)


STORIES: dict[str, Callable[[SiteModel], None]] = {}
"""What went wrong once, or could have: told by hand, since chance seldom comes upon it."""


def story(told: Callable[[SiteModel], None]) -> Callable[[SiteModel], None]:
    """One of the stories."""
    STORIES[told.__name__] = told
    return told


def three_passages(site: SiteModel, which: int) -> None:
    for number in range(3):
        site.drive(which=which, no=DECLARED[0], refuses=number == 1, last=False)
    site.confirm(which=which, no=DECLARED[0], step=0, officer=which)


@story
def a_gate_that_lost_its_disk_writes_where_nobody_hears_it(site: SiteModel) -> None:
    three_passages(site, 0)
    site.time_passes(seconds=6.0)
    site.restart(which=1)
    site.restart(which=1)
    site.time_passes(seconds=6.0)
    site.cut_off(which=1)
    site.new_disk(which=0, asks_first=True)
    three_passages(site, 0)
    site.network.flights.clear()


@story
def two_clones_that_do_not_hear_each_other_go_on_and_meet(site: SiteModel) -> None:
    site.time_passes(seconds=6.0)
    three_passages(site, 0)
    site.clone(which=0, marker=True)
    site.cut_off(which=1)
    three_passages(site, 0)
    three_passages(site, 3)
    site.withdraw(which=3, given=0)


@story
def a_gate_begins_from_a_checkpoint_of_a_forked_journal(site: SiteModel) -> None:
    two_clones_that_do_not_hear_each_other_go_on_and_meet(site)
    site.heal()
    site.time_passes(seconds=6.0)
    site.make_checkpoint()
    site.new_disk(which=1, asks_first=True)
    three_passages(site, 1)


@story
def a_new_disk_is_written_before_the_checkpoint_comes(site: SiteModel) -> None:
    three_passages(site, 0)
    three_passages(site, 0)
    site.time_passes(seconds=6.0)
    site.make_checkpoint()
    site.time_passes(seconds=6.0)
    site.cut_off(which=1)
    site.new_disk(which=0, asks_first=False)
    site.drive(which=0, no=DECLARED[0], refuses=False, last=False)
    site.drive(which=0, no=DECLARED[0], refuses=True, last=False)


@story
def a_backup_is_put_back_where_nobody_can_be_asked(site: SiteModel) -> None:
    site.time_passes(seconds=6.0)
    site.back_up(which=0)
    three_passages(site, 0)
    site.time_passes(seconds=6.0)
    site.cut_off(which=1)
    site.restore(which=0)
    three_passages(site, 0)


@story
def a_gate_far_behind_leaps_over_a_history_that_another_has_forked(site: SiteModel) -> None:
    site.time_passes(seconds=6.0)
    site.clone(which=0, marker=True)
    site.cut_off(which=4)
    three_passages(site, 3)
    three_passages(site, 0)
    site.time_passes(seconds=6.0)
    site.make_checkpoint()
    for number in range(6):
        site.declare(number)
    site.make_checkpoint()


@story
def a_gate_with_a_dead_battery_loses_its_disk(site: SiteModel) -> None:
    three_passages(site, 0)
    site.time_passes(seconds=6.0)
    site.set_clock(which=1, hours=0, dead=True)
    site.new_disk(which=0, asks_first=True)
    site.cut_off(which=1)
    three_passages(site, 0)
    site.restart(which=1)
    three_passages(site, 0)


@pytest.mark.parametrize("name", STORIES)
def test_a_story_ends_well(name: str) -> None:
    with repeatable():
        site = SiteModel()
        site.site(late="yard-desk")
        STORIES[name](site)
        site.teardown()
