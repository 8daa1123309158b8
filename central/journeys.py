"""The journey of a declaration: its facts as readable steps (who, when, where), each with what it rests on."""

from collections.abc import Iterable, Iterator
from typing import Any

from central.centre import Centre
from central.models import JourneyOut, StepOut
from central.words import amount, say
from shared import subjects
from shared.agency_names import Called
from shared.bodies import Confirmed, OpenRequested, read_body, understood
from shared.body import Body
from shared.codes import Actor, Agency
from shared.facts import Fact, FactError
from shared.journal import author_of
from shared.node.declarations import Declared
from shared.words import Language

_REFS = ("passage", "declared", "confirmation", "request", "read")


def journey(centre: Centre, declared: Declared, language: Language) -> JourneyOut:
    """Every fact about a declaration and about the passages of its vehicles, in the order of the clocks."""
    about = centre.store.about(subjects.declaration(declared.body.no))
    facts = {fact.ref: fact for fact in (*about, *_of_passages(centre, about))}
    authority = centre.journals.authority(declared.body.site)
    called = centre.called(declared.body.site)

    def step(fact: Fact) -> StepOut:
        body = _body(fact)
        entitled = authority.counts(fact, body) if isinstance(body, Confirmed | OpenRequested) else None
        return _step(fact, language, called.at(fact.at), entitled.value if entitled else None)

    ordered = sorted(facts.values(), key=lambda fact: (fact.at, fact.journal, fact.seq))
    return JourneyOut(no=declared.body.no, recalled=declared.recalled, steps=[step(fact) for fact in ordered])


def _of_passages(centre: Centre, about: Iterable[Fact]) -> Iterator[Fact]:
    """Arrival and read of every passage that the facts name: nobody knew the declaration yet when they were written."""
    for ref in sorted({fact.body["passage"] for fact in about if fact.body.get("passage")}):
        passage = centre.passages.find(ref)
        for one in (ref, passage.read if passage else None):
            fact = centre.store.get(one) if one else None
            if fact is not None:
                yield fact


def _step(fact: Fact, language: Language, called: Called, counts: str | None) -> StepOut:
    body = fact.body
    by = body.get("by", body.get("agency"))
    who = called(language, by) if isinstance(by, str) else None
    return StepOut(
        ref=fact.ref,
        at=fact.at,
        kind=fact.kind,
        what=_what(fact, language, who),
        clause=body.get("step"),
        node=author_of(fact.journal),
        agency=by if by in {*Agency, *Actor} else None,
        who=who,
        officer=body.get("officer"),
        place=body.get("place"),
        heading=body.get("heading"),
        vehicle=body.get("vehicle"),
        counts=counts,
        refs=list(_refs(body)),
    )


def _what(fact: Fact, language: Language, who: str | None) -> str:
    if not understood(fact):
        return say(language, "kind", "not_understood", kind=fact.kind)
    body = fact.body
    return say(
        language,
        "kind",
        fact.kind,
        by=who or "",
        place=say(language, "place", body.get("place")),
        heading=say(language, "heading", body.get("heading")),
        version=body.get("version", ""),
        amount=amount(language, body.get("amount_vnd") or 0),
        plate=body.get("plate") or body.get("text") or "",
        reason=body.get("reason") or "–",
        state=say(language, "boom", body.get("state")),
    )


def _refs(body: Any) -> Iterator[str]:
    for name in _REFS:
        if body.get(name):
            yield body[name]
    yield from body.get("saw", ())


def _body(fact: Fact) -> Body | None:
    try:
        return read_body(fact)
    except FactError:
        return None
