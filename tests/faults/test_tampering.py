"""Somebody with the disk in hand changes a store: `journal verify` finds it and names the first bad fact."""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from edge.cli import app
from shared.clock import Stamp
from shared.facts import Draft, seal
from shared.journal import Head, SignedHead
from tests.builders import key
from tests.shared.handed_site import CENTRE, DRIVER, fill

BAD = 5
"""The number in gate-1's journal that is tampered with."""
GATE_1 = "gate-1.1"
FACTS = 12


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    asyncio.run(fill(folder, FACTS))
    return folder


@pytest.fixture
def site(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "site")
    return tmp_path / "site"


def verify(store: Path, *words: str | Path) -> dict[str, Any]:
    """What `verify --json` prints; the exit code says the same."""
    answer = CliRunner().invoke(app, ["journal", "verify", str(store), "--json", *map(str, words)])
    told: dict[str, Any] = json.loads(answer.stdout)
    assert answer.exit_code == (0 if told["ok"] else 1)
    assert (told["first_bad"] is None) == told["ok"]
    return told


def first_bad(store: Path, *words: str | Path) -> tuple[str, int]:
    bad = verify(store, *words)["first_bad"]
    assert bad is not None, "nothing was found"
    return bad["journal"], bad["seq"]


@contextmanager
def opened(store: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(store / "facts.db")) as database, database:
        yield database


# -- what is done to gate-1's journal


def edit(database: sqlite3.Connection) -> None:
    """One body is changed."""
    database.execute(
        "UPDATE facts SET body = replace(body, 'reason', 'treason') WHERE journal = ? AND seq = ?",
        (GATE_1, BAD),
    )


def delete(database: sqlite3.Connection) -> None:
    """One fact is taken out."""
    for table in ("facts", "signatures"):
        database.execute(f"DELETE FROM {table} WHERE journal = ? AND seq = ?", (GATE_1, BAD))


def swap(database: sqlite3.Connection) -> None:
    """Two facts change places."""
    for old, new in ((BAD, 0), (BAD + 2, BAD), (0, BAD + 2)):
        database.execute("UPDATE facts SET seq = ? WHERE journal = ? AND seq = ?", (new, GATE_1, old))


def insert(database: sqlite3.Connection) -> None:
    """A fact is put in and those after it move up by one; everything after it is chained anew, nothing can be signed."""
    for table in ("facts", "signatures", "journals"):
        for (seq,) in database.execute(
            f"SELECT DISTINCT seq FROM {table} WHERE journal = ? AND seq >= ? ORDER BY seq DESC",
            (GATE_1, BAD),
        ).fetchall():
            database.execute(
                f"UPDATE {table} SET seq = ? WHERE journal = ? AND seq = ?", (seq + 1, GATE_1, seq)
            )
    position = database.execute("SELECT max(position) + 1 FROM facts").fetchone()[0]
    database.execute(
        """INSERT INTO facts(position, branch, v, journal, seq, at, kind, subject, body, prev, hash)
           SELECT ?, 0, v, journal, ?, at, kind, subject, '{"no":"2026112300001","reason":"put in"}', prev, hash
           FROM facts WHERE journal = ? AND seq = ?""",
        (position, BAD, GATE_1, BAD + 1),
    )
    chain_anew(database)


def rechain(database: sqlite3.Connection) -> None:
    """One body is changed and every hash after it made to fit; the signatures stay as they were."""
    edit(database)
    chain_anew(database)


def rechain_with_signatures(database: sqlite3.Connection) -> None:
    """The same, and the old signatures now stand beside the new hashes."""
    signatures = dict(database.execute("SELECT seq, signature FROM signatures WHERE journal = ?", (GATE_1,)))
    rechain(database)
    sign_anew(database, lambda head: signatures.get(head.seq, "A" * 86))


def cut_tail(database: sqlite3.Connection) -> None:
    """Everything from a number on is gone, and the store says it never was more."""
    for table in ("facts", "signatures", "private_values"):
        database.execute(f"DELETE FROM {table} WHERE journal = ? AND seq >= ?", (GATE_1, BAD))
    set_head(database)


def resign(database: sqlite3.Connection) -> None:
    """The node's own key writes the journal anew from a number on."""
    rechain(database)
    sign_anew(database, lambda head: SignedHead.sign(head, key(GATE_1)).signature)


def chain_anew(database: sqlite3.Connection) -> None:
    """Hashes and links that fit the content, from the beginning of gate-1's journal."""
    prev = "0" * 64
    rows = database.execute(
        "SELECT v, seq, at, kind, subject, body FROM facts WHERE journal = ? ORDER BY seq", (GATE_1,)
    ).fetchall()
    for v, seq, at, kind, subject, body in rows:
        fact = seal(Draft(kind, subject, json.loads(body), v=v), GATE_1, seq, Stamp.parse(at), prev).fact
        database.execute(
            "UPDATE facts SET prev = ?, hash = ? WHERE journal = ? AND seq = ?",
            (prev, fact.hash, GATE_1, seq),
        )
        prev = fact.hash
    set_head(database)


def sign_anew(database: sqlite3.Connection, signature: Callable[[Head], str]) -> None:
    """Every fact of gate-1's journal gets a signature of that kind."""
    database.execute("DELETE FROM signatures WHERE journal = ?", (GATE_1,))
    for seq, digest in database.execute(
        "SELECT seq, hash FROM facts WHERE journal = ?", (GATE_1,)
    ).fetchall():
        database.execute(
            "INSERT INTO signatures VALUES (?, ?, ?, ?)",
            (GATE_1, seq, digest, signature(Head(GATE_1, seq, digest))),
        )


def set_head(database: sqlite3.Connection) -> None:
    seq, digest = database.execute(
        "SELECT seq, hash FROM facts WHERE journal = ? ORDER BY seq DESC LIMIT 1", (GATE_1,)
    ).fetchone()
    database.execute("UPDATE journals SET seq = ?, hash = ? WHERE journal = ?", (seq, digest, GATE_1))


WITHOUT_KEY = [edit, delete, swap, insert, rechain, rechain_with_signatures, cut_tail]
ALL = [*WITHOUT_KEY, resign]


# -- what is found


@pytest.mark.parametrize("node", [CENTRE, "gate-1", "gate-2"])
def test_an_untouched_store_is_proven_and_says_how_far_others_hold_it(site: Path, node: str) -> None:
    told = verify(
        site / node, *(part for other in (CENTRE, "gate-1", "gate-2") for part in ("--against", site / other))
    )
    assert told["ok"]
    assert set(told["journals"]) == {f"{CENTRE}.1", "gate-1.1", "gate-2.1"}
    assert all(one["witnessed"] == one["seq"] >= 3 for one in told["journals"].values())


@pytest.mark.parametrize("tamper", WITHOUT_KEY)
@pytest.mark.parametrize("node", [CENTRE, "gate-1", "gate-2"])
def test_what_is_done_without_the_key_is_found_by_the_store_alone(
    site: Path, node: str, tamper: Callable[[sqlite3.Connection], None]
) -> None:
    with opened(site / node) as database:
        tamper(database)
    journal, seq = first_bad(site / node)
    assert journal == GATE_1
    assert seq == BAD or node != "gate-1"


@pytest.mark.parametrize("tamper", ALL)
@pytest.mark.parametrize("node", [CENTRE, "gate-1", "gate-2"])
def test_another_store_names_the_very_fact(
    site: Path, node: str, tamper: Callable[[sqlite3.Connection], None]
) -> None:
    with opened(site / node) as database:
        tamper(database)
    other = "gate-2" if node != "gate-2" else CENTRE
    assert first_bad(site / node, "--against", site / other) == (GATE_1, BAD)


@pytest.mark.parametrize("node", [CENTRE, "gate-1", "gate-2"])
def test_a_journal_signed_anew_by_its_own_key_contradicts_what_was_seen(site: Path, node: str) -> None:
    with opened(site / node) as database:
        resign(database)
    bad = verify(site / node)["first_bad"]
    assert bad["journal"] == GATE_1
    assert bad["seq"] > BAD
    assert "was seen to hold another fact" in bad["why"]


def test_a_journal_signed_anew_before_anybody_saw_it_cannot_be_told(site: Path) -> None:
    with opened(site / "gate-1") as database:
        database.execute("DELETE FROM heads_seen")
        for journal in ("gate-2.1", f"{CENTRE}.1"):
            database.execute("DELETE FROM facts WHERE journal = ? AND kind = 'witnessed'", (journal,))
            seq, digest = database.execute(
                "SELECT seq, hash FROM facts WHERE journal = ? ORDER BY seq DESC LIMIT 1", (journal,)
            ).fetchone()
            database.execute(
                "UPDATE journals SET seq = ?, hash = ? WHERE journal = ?", (seq, digest, journal)
            )
            database.execute("DELETE FROM signatures WHERE journal = ? AND seq > ?", (journal, seq))
        resign(database)
    told = verify(site / "gate-1")
    assert told["journals"][GATE_1]["witnessed"] == 0


def test_an_export_is_a_witness_too(site: Path, tmp_path: Path) -> None:
    lines = tmp_path / "gate-2.jsonl"
    answer = CliRunner().invoke(app, ["journal", "export", str(site / "gate-2"), str(lines)])
    assert answer.exit_code == 0
    assert verify(site / "gate-1", "--against", lines)["ok"]
    with opened(site / "gate-1") as database:
        resign(database)
    assert first_bad(site / "gate-1", "--against", lines) == (GATE_1, BAD)


def test_a_journal_that_is_gone_altogether_is_missed(site: Path) -> None:
    with opened(site / "gate-2") as database:
        for table in ("facts", "signatures", "private_values", "journals"):
            database.execute(f"DELETE FROM {table} WHERE journal = ?", (GATE_1,))
    assert first_bad(site / "gate-2") == (GATE_1, 1)


def test_a_changed_personal_value_does_not_open_its_commitment(site: Path) -> None:
    with opened(site / "gate-1") as database:
        assert database.execute("UPDATE private_values SET value = 'Ai Đó'").rowcount == 1
    bad = verify(site / "gate-1")["first_bad"]
    assert (bad["journal"], bad["seq"]) == (f"{CENTRE}.1", 3)
    assert DRIVER in bad["why"]


def test_a_personal_value_beside_no_fact_is_found(site: Path) -> None:
    with opened(site / "gate-1") as database:
        database.execute("UPDATE private_values SET seq = 77")
    assert first_bad(site / "gate-1") == (f"{CENTRE}.1", 77)


def test_a_personal_value_that_was_removed_is_no_tampering(site: Path) -> None:
    with opened(site / "gate-1") as database:
        database.execute("DELETE FROM private_values")
    assert verify(site / "gate-1")["ok"]


def test_a_changed_signature_is_found_though_a_later_one_vouches_for_the_fact(site: Path) -> None:
    other = SignedHead.sign(Head(GATE_1, BAD, "0" * 64), key("gate-2.1")).signature
    with opened(site / "gate-1") as database:
        database.execute(
            "UPDATE signatures SET signature = ? WHERE journal = ? AND seq = ?", (other, GATE_1, BAD)
        )
    bad = verify(site / "gate-1")["first_bad"]
    assert (bad["journal"], bad["seq"]) == (GATE_1, BAD)
    assert "a later one vouches" in bad["why"]


def test_signatures_that_are_gone_leave_a_tail_nobody_vouches_for(site: Path) -> None:
    with opened(site / "gate-1") as database:
        database.execute("DELETE FROM signatures WHERE journal = ? AND seq >= ?", (GATE_1, BAD))
    assert first_bad(site / "gate-1") == (GATE_1, BAD)


def test_a_changed_witness_is_found(site: Path) -> None:
    with opened(site / "gate-1") as database:
        database.execute(
            "UPDATE heads_seen SET seq = ?, hash = ? WHERE witness = 'gate-2' AND journal = ?",
            (BAD, "f" * 64, GATE_1),
        )
    assert first_bad(site / "gate-1") == (GATE_1, BAD)


def test_a_forged_enrolment_does_not_make_another_key_good(site: Path) -> None:
    with opened(site / "gate-1") as database:
        database.execute(
            "UPDATE facts SET body = replace(body, ?, ?) WHERE kind = 'node_enrolled'",
            (key(GATE_1).public.text, key("thief").public.text),
        )
    assert first_bad(site / "gate-1") == (f"{CENTRE}.1", 1)


def test_without_a_root_nothing_is_called_good_and_root_can_be_given(site: Path) -> None:
    root = key(f"{CENTRE}.1").public.text
    with opened(site / "gate-1") as database:
        database.execute("DELETE FROM node WHERE name = 'root'")
    bad = verify(site / "gate-1")["first_bad"]
    assert "--root KEY" in bad["why"]
    assert verify(site / "gate-1", "--root", root)["ok"]
    assert not verify(site / "gate-1", "--root", key("thief").public.text)["ok"]


def test_without_a_root_a_broken_chain_is_named_all_the_same(site: Path) -> None:
    with opened(site / "gate-1") as database:
        database.execute("DELETE FROM node WHERE name = 'root'")
        edit(database)
    assert first_bad(site / "gate-1") == (GATE_1, BAD)
