"""`barie-edge journal`: proves, shows, exports and replays the journals of a store.

STORE is a gate's data folder or its database file; but for `rebuild` it is only read, also while the gate runs.
"""

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from edge.underway import Underway
from shared.agency_names import Called
from shared.clock import day_at_gates
from shared.facts import BadFact, FactError, Ref, Sealed
from shared.node.agency_file import SHIPPED, names_at_hand
from shared.node.audit import Report, audit
from shared.node.checkpoints import Checkpoints
from shared.node.copies import copy_of, export
from shared.node.declarations import Declarations
from shared.node.engine import SqliteEngine
from shared.node.errors import StoreError, StoreUnusable
from shared.node.held import PAGE
from shared.node.projections import Projection, table_digest, tables
from shared.node.reading import ReadOnlyEngine, ReadStore, database_of
from shared.node.store import Store
from shared.node.used_twice import UsedTwice
from shared.signing import BadKey, PublicKey, check_key_text
from shared.words import Language, word

app = typer.Typer(help="Proves, shows, exports and replays the journals of a store.", no_args_is_help=True)

StoreArgument = Annotated[
    Path, typer.Argument(metavar="STORE", help="A gate's data folder, or its database file.")
]
AsObject = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]
WithPrivate = Annotated[bool, typer.Option("--private", help="With the personal values.")]

_WORDS = {"place": "place", "heading": "heading", "site": "site"}
"""Members of a body that hold codes, with the group of their words."""

_AGENCIES = ("by", "agency")
"""Members of a body that hold an agency, or who acts in its place."""

PROJECTIONS = (Declarations, Underway, UsedTwice)


@app.command()
def verify(
    place: StoreArgument,
    as_object: AsObject = False,
    against: Annotated[
        list[Path] | None,
        typer.Option(metavar="OTHER", help="Another node's store, or an export, to hold against it."),
    ] = None,
    root: Annotated[
        str | None, typer.Option(metavar="KEY", help="The centre's public key; else the one in the store.")
    ] = None,
) -> None:
    """Prove the journals: hashes, chains, signatures, personal values, witnesses; exit code 1 unless all is good."""
    with _errors():
        file = database_of(place)
        key = _key(root) if root else None
        copies = [copy_of(other) for other in against or ()]
        engine = ReadOnlyEngine(file)
        with _unreadable_is_bad():
            report = audit(engine, key, copies, Checkpoints(file.parent / "checkpoints"))
    typer.echo(json.dumps(_report(report), ensure_ascii=False) if as_object else _told(report))
    if not report.ok:
        raise typer.Exit(1)


@app.command()
def show(
    place: StoreArgument,
    what: Annotated[
        str, typer.Argument(metavar="REF|SUBJECT|JOURNAL", help="gate.1/7, declaration/NO, or gate.1.")
    ],
    as_object: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    private: WithPrivate = False,
    lang: Annotated[Language, typer.Option(help="Language of the words.")] = Language.VI,
    names: Annotated[
        Path, typer.Option(metavar="FILE", help="Agencies' names; else the shipped ones.")
    ] = SHIPPED,
) -> None:
    """Show a fact, all facts about a subject, or a journal; exit code 1 when there are none."""
    none = True
    with _errors():
        file = database_of(place)
        with _unreadable_is_bad():
            store = ReadStore(file)
            called = _called(store, names)
            for one in _chosen(store, what):
                none = False
                typer.echo(_as_line(one, private) if as_object else _as_text(one, private, lang, called))
    if none:
        typer.echo(f"{what}: nothing of it is held; write journal/number, a subject, or a journal", err=True)
        raise typer.Exit(1)


@app.command("export")
def export_journals(
    place: StoreArgument,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Where to; standard output without.")
    ] = None,
    journal: Annotated[str | None, typer.Option(metavar="J", help="This journal only.")] = None,
    after: Annotated[int, typer.Option(min=0, metavar="N", help="Facts after this number only.")] = 0,
    private: WithPrivate = False,
) -> None:
    """Write the journals as signed batches, one JSON line each: another store takes them, `--against` too."""
    with _errors(), contextlib.ExitStack() as opened:
        database = database_of(place)
        out = opened.enter_context(file.open("w", encoding="utf-8")) if file else sys.stdout
        with _unreadable_is_bad():
            store = ReadStore(database)
            journals = [journal] if journal else sorted(store.heads())
            facts = export(store, journals, after, out, private=private)
    typer.echo(f"{facts} facts of {len(journals)} journals", err=True)
    if not facts:
        raise typer.Exit(1)


@app.command()
def rebuild(place: StoreArgument, as_object: AsObject = False) -> None:
    """Make every table anew from the facts (stop the gate first); exit code 1 when one was not what the facts say."""
    with _errors():
        file = database_of(place)
        with _unreadable_is_bad():
            _refuse_what_others_made(file)
            made = _rebuilt(file, [one() for one in PROJECTIONS])
    if as_object:
        told = {name: {"rows": rows, "same": same} for name, (rows, same) in made.items()}
        typer.echo(json.dumps({"ok": all(same for _, same in made.values()), "tables": told}))
    else:
        for name, (rows, same) in made.items():
            typer.echo(f"{name}: {rows} rows, {'the same' if same else 'NOT what it was'}")
    if not all(same for _, same in made.values()):
        raise typer.Exit(1)


def _refuse_what_others_made(file: Path) -> None:
    """The centre's store has tables of its own, which this program could not make again."""
    known = {f"projection/{one.__name__}" for one in PROJECTIONS}
    engine = ReadOnlyEngine(file)
    names = engine.rows("SELECT name FROM node WHERE name >= 'projection/' AND name < 'projection0'")
    engine.close()
    others = sorted(name for (name,) in names if name not in known)
    if others:
        typer.echo(f"{file}: no gate's store, it has {', '.join(others)}; nothing was changed", err=True)
        raise typer.Exit(2)


def _rebuilt(file: Path, projections: Sequence[Projection]) -> dict[str, tuple[int, bool]]:
    """Makes all tables anew; for each its rows, and whether it was the same before. A table that was not there is."""
    engine = SqliteEngine(file)
    try:
        names = [name for one in projections for name in tables(one)]
        there = {row[0] for row in engine.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
        before = {name: table_digest(engine, name) for name in names if name in there}
        Store(engine, projections).rebuild()
        after = {name: table_digest(engine, name) for name in names}
    finally:
        engine.close()
    return {name: (after[name][0], before.get(name, after[name]) == after[name]) for name in names}


# -- verify


def _report(report: Report) -> dict[str, Any]:
    bad = report.first_bad
    return {
        "ok": report.ok,
        "journals": {
            name: {"seq": one.seq, "hash": one.hash, "witnessed": one.witnessed}
            for name, one in report.journals.items()
        },
        "first_bad": {"journal": bad.journal, "seq": bad.seq, "why": bad.why} if bad else None,
    }


def _told(report: Report) -> str:
    lines = []
    for name, one in report.journals.items():
        line = f"{name}: {one.seq} facts, others hold {one.witnessed}"
        line += f", begins above {one.floor}" if one.floor else ""
        line += f", {one.loose} below it proven by their own hash only" if one.loose else ""
        lines.append(line)
    lines += [f"{one.journal}/{one.seq}: {one.why}" for one in report.findings]
    return "\n".join([*lines, "good" if report.ok else "NOT good"])


def _key(text: str) -> PublicKey:
    check_key_text(text)
    return PublicKey(text)


# -- show


def _chosen(store: Store, what: str) -> Iterator[Sealed]:
    if what in store.heads():
        last = max(branch.head.seq for branch in store.branches(what))
        for first in range(1, last + 1, PAGE):
            yield from store.between(what, first, first + PAGE - 1)
        return
    try:
        ref = Ref.parse(what)
    except BadFact:
        for fact in store.about(what):
            yield from (one for one in store.between(fact.journal, fact.seq, fact.seq) if one.fact == fact)
    else:
        yield from store.between(ref.journal, ref.seq, ref.seq)


def _values(one: Sealed, private: bool) -> dict[str, str]:
    return {pointer: value.value for pointer, value in one.private.items()} if private else {}


def _as_line(one: Sealed, private: bool) -> str:
    values = _values(one, private)
    return json.dumps(
        {"fact": one.fact.envelope(), **({"private": values} if private else {})}, ensure_ascii=False
    )


def _called(store: Store, file: Path) -> Called:
    """The names as the site of the store's node uses them; what is wrong with their file is said on standard error."""
    names = names_at_hand(file)
    if names.fault:
        typer.echo(names.fault, err=True)
    own = store.engine.rows("SELECT DISTINCT value FROM node WHERE name >= 'own/' AND name < 'own0'")
    return Called(names, own[0][0] if len(own) == 1 else None, day_at_gates(store.steady()))


def _as_text(one: Sealed, private: bool, language: Language, called: Called) -> str:
    fact = one.fact
    called = called.at(fact.at)
    at = f"{fact.stamp.wall.astimezone():%Y-%m-%d %H:%M:%S}"
    lines = [f"{fact.ref}  {at}  {word(language, 'fact', fact.kind)}  {fact.subject}"]
    lines += [f"  {name}: {_readable(language, name, value, called)}" for name, value in fact.body.items()]
    lines += [f"  {pointer}: {value}" for pointer, value in _values(one, private).items()]
    return "\n".join(lines)


def _readable(language: Language, name: str, value: Any, called: Called) -> str:
    if isinstance(value, str) and name in _AGENCIES:
        return called(language, value)
    if isinstance(value, str):
        return word(language, _WORDS.get(name, ""), value)
    return json.dumps(value, ensure_ascii=False)


# -- errors


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    """What was asked wrongly is said on standard error, and exits with 2."""
    try:
        yield
    except (StoreUnusable, BadKey, FactError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


@contextlib.contextmanager
def _unreadable_is_bad() -> Iterator[None]:
    """A store that is there and cannot be read is not good: exits with 1."""
    try:
        yield
    except (StoreError, ValueError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
