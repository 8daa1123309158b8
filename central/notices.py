"""What a gate's card says beside its state: what is wrong with it, what waits on it, what befell it."""

from collections.abc import Iterable, Iterator

from central.gates import Gate
from central.words import say
from shared.bodies import ClockStepped, JournalBegun, StoreRecovered, read_body
from shared.branches import Branch
from shared.facts import Fact, FactError
from shared.words import Language

LOW = ("low", "very_low", "full")


def alerts(language: Language, gate: Gate, branches: Iterable[Branch]) -> list[str]:
    """A sentence for each thing that is wrong; the branches are those of its journals that forked."""
    return list(_alerts(language, gate, branches))


def counts(gate: Gate) -> list[tuple[str, int]]:
    """What the gate counts of itself, those that it has told: unsent, unseen, quarantined."""
    status = gate.status
    told = {name: getattr(status, name) for name in ("unsent", "unseen", "quarantined")} if status else {}
    return [(name, count) for name, count in told.items() if count is not None]


def event(language: Language, fact: Fact) -> str:
    """A sentence about what befell a node's store or clock."""
    try:
        body = read_body(fact)
    except FactError:
        return fact.kind
    match body:
        case JournalBegun():
            cause = say(language, "cause", body.cause.value)
            return say(
                language, "event", fact.kind, journal=fact.journal, left=body.left, seq=body.seq, cause=cause
            )
        case ClockStepped():
            code = f"{fact.kind}_{'followed' if body.followed else 'not_followed'}"
            return say(language, "event", code, seconds=f"{body.by_s:+.1f}")
        case StoreRecovered():
            return say(
                language,
                "event",
                fact.kind,
                why=body.why,
                count=sum(body.salvaged.values()),
                aside=body.set_aside,
            )
        case _:
            return fact.kind


def _alerts(language: Language, gate: Gate, branches: Iterable[Branch]) -> Iterator[str]:
    if gate.revoked:
        yield say(language, "alert", "revoked")
    for one in branches:
        head = one.head
        yield say(
            language,
            "alert",
            "branch",
            journal=head.journal,
            number=one.number,
            seq=head.seq,
            hash=head.hash[:12],
        )
    for refusal in gate.refused_by:
        yield say(
            language,
            "alert",
            "refused",
            node=gate.node,
            by=refusal.by,
            journal=refusal.journal,
            seq=refusal.seq,
        )
    status = gate.status
    if status is None:
        return
    for by in status.refused:
        if by not in {one.by for one in gate.refused_by}:
            yield say(language, "alert", "told_refused", node=gate.node, by=by)
    if status.disk in LOW:
        yield say(language, "alert", f"disk_{status.disk}")
