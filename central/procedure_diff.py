"""What a new version of the decree changes, in sentences: two sets of procedures against each other. Pure.

Of each khoản the newest version counts. A step is the same step while it has the same clause.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from shared.codes import Agency, Load
from shared.procedures import FeeBefore, Procedure, Reading, Step


@dataclass(frozen=True)
class Change:
    """One change. `what` is the key of the procedure file; `then` and `now` are in words, None for what is not there."""

    procedure: str
    clause: str | None
    what: str
    then: str | None
    now: str | None

    @property
    def sentence(self) -> str:
        """The change as a sentence, without the khoản it belongs to."""
        about = f"{self.clause}: " if self.clause else ""
        if self.what in _THINGS:
            if self.then is None:
                return f"{about}the {self.what} is new: {self.now}."
            if self.now is None:
                return f"{about}the {self.what} falls away; it was: {self.then}."
        label = _LABELS.get(self.what, self.what)
        return f"{about}{label}: now {self.now or 'nothing said'}; before {self.then or 'nothing said'}."


_THINGS = ("procedure", "step")


def differences(old: Sequence[Procedure], new: Sequence[Procedure]) -> list[Change]:
    """What is different in the new set, by khoản and in the order of the steps; empty when nothing is."""
    before, after = _newest(old), _newest(new)
    return [
        change
        for khoan in sorted(before.keys() | after.keys(), key=_number)
        for change in _of_khoan(khoan, before.get(khoan), after.get(khoan))
    ]


def as_json(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """The changes for scripts."""
    return [asdict(change) | {"text": change.sentence} for change in changes]


def as_text(changes: Iterable[Change], titles: Mapping[str, str]) -> str:
    """The changes grouped by khoản under its title."""
    lines: list[str] = []
    last = None
    for change in changes:
        if change.procedure != last:
            last = change.procedure
            lines += ["", f"{last} {titles.get(last, '')}".rstrip()]
        lines.append(f"  {change.sentence}")
    return "\n".join(lines[1:])


def titles(*sets: Sequence[Procedure]) -> dict[str, str]:
    """The English title of every khoản, by the last set that has it; Vietnamese where there is no English one."""
    return {
        khoan: one.title.get("en") or one.title.get("vi", "")
        for held in sets
        for khoan, one in _newest(held).items()
    }


def _newest(held: Sequence[Procedure]) -> dict[str, Procedure]:
    return {one.procedure: one for one in sorted(held, key=lambda one: one.in_force_from)}


def _number(khoan: str) -> tuple[int, ...]:
    return tuple(int(part) for part in khoan.split("."))


def _of_khoan(khoan: str, old: Procedure | None, new: Procedure | None) -> Iterator[Change]:
    if old is None or new is None:
        yield Change(khoan, None, "procedure", *(_summary(one) if one else None for one in (old, new)))
        return
    for what, words in _OF_PROCEDURE.items():
        yield from _changed(khoan, None, what, words(old), words(new))
    for step in old.steps:
        if new.step(step.clause) is None:
            yield Change(khoan, step.clause, "step", _step(step), None)
    for step in new.steps:
        was = old.step(step.clause)
        if was is None:
            yield Change(khoan, step.clause, "step", None, _step(step))
            continue
        for what, tell in _OF_STEP.items():
            yield from _changed(khoan, step.clause, what, tell(was), tell(step))
    kept = [[s.clause for s in one.steps if old.step(s.clause) and new.step(s.clause)] for one in (old, new)]
    yield from _changed(khoan, None, "step", *(", ".join(clauses) for clauses in kept))


def _changed(khoan: str, clause: str | None, what: str, then: str, now: str) -> Iterator[Change]:
    if then != now:
        yield Change(khoan, clause, what, then, now)


# -- in words


def _word(code: Enum | str | None) -> str:
    return "" if code is None else str(code).replace("_", " ")


def _list(codes: Iterable[Enum | str]) -> str:
    return ", ".join(_word(code) for code in codes)


def _confirm(step: Step) -> str:
    """Who confirms in the reading in use, and in which order."""
    read = step.in_reading(None)
    if not read.confirm:
        return "nobody named"
    if step.ordered:
        return ", then ".join(_word(one) for one in read.confirm)
    together = " and ".join(sorted(_word(one) for one in read.confirm))
    return f"{together}, in any order" if len(read.confirm) > 1 else together


def _where(step: Step) -> str:
    return f"{step.place.value} {step.heading.value}" if step.heading else step.place.value


def _step(step: Step) -> str:
    opens = f"; the {_word(step.opens)} opens" if step.opens else ""
    one_of = f"; one of {_list(sorted(step.confirm_one_of))}" if step.confirm_one_of else ""
    who = "" if step.confirm_one_of and not step.confirm else f"; confirming: {_confirm(step)}"
    return f"{_where(step)}{who}{one_of}{opens}; standing: {_word(step.standing)}"


def _summary(procedure: Procedure) -> str:
    clauses = ", ".join(step.clause for step in procedure.steps)
    title = procedure.title.get("en") or procedure.title.get("vi", "")
    return f"{title}; in force from {procedure.in_force_from}; steps {clauses}"


def _by_agency(told: Mapping[Agency, Sequence[Enum | str]]) -> str:
    return "; ".join(f"{_word(agency)}: {_list(sorted(told[agency], key=str))}" for agency in sorted(told))


def _reading(name: str, reading: Reading, then: str) -> str:
    standing = f" ({_word(reading.standing)})" if reading.standing else ""
    note = f" [{_texts(reading.note)}]" if reading.note else ""
    return f"{name} = {then.join(_word(one) for one in reading.confirm) or 'nobody'}{standing}{note}"


def _readings(step: Step) -> str:
    then = ", then " if step.ordered else " and "
    return "; ".join(_reading(name, step.readings[name], then) for name in sorted(step.readings))


def _fee(rule: FeeBefore | None) -> str:
    if rule is None:
        return ""
    others = ", ".join(sorted(set(rule.may_be) - {rule.reading}))
    return f"{rule.reading} ({_word(rule.standing)}" + (f"; may be {others})" if others else ")")


def _continues(procedure: Procedure) -> str:
    return "; ".join(
        f"{khoan} after {', '.join(clauses) or 'no step'}"
        for khoan, clauses in sorted(procedure.continues.items(), key=lambda one: _number(one[0]))
    )


def _texts(told: Mapping[str, str]) -> str:
    return "; ".join(f"{language}: {told[language]}" for language in sorted(told))


_OF_PROCEDURE: Mapping[str, Callable[[Procedure], str]] = {
    "in_force_from": lambda one: str(one.in_force_from),
    "in_force_to": lambda one: str(one.in_force_to or ""),
    "judges": lambda one: _word(one.judges),
    "direction": lambda one: _word(one.direction),
    "laden": lambda one: "laden" if one.laden else "empty",
    "country": lambda one: _word(one.country),
    "yard_location": lambda one: _word(one.yard_location),
    "purpose": lambda one: _word(one.purpose),
    "continues": _continues,
    "fee_before": lambda one: _fee(one.fee_before),
    "title": lambda one: _texts(one.title),
}
_OF_STEP: Mapping[str, Callable[[Step], str]] = {
    "place": _where,
    "loads": lambda step: "" if set(step.loads) == set(Load) else _list(sorted(step.loads)),
    "confirm": _confirm,
    "confirm_if_required": lambda step: _list(sorted(step.confirm_if_required)),
    "confirm_if_transfer": lambda step: _list(sorted(step.confirm_if_transfer)),
    "confirm_one_of": lambda step: _list(sorted(step.confirm_one_of)),
    "opens": lambda step: _word(step.opens),
    "queries": lambda step: _word(step.queries),
    "declares": lambda step: _list(sorted(step.declares)),
    "values": lambda step: _by_agency(step.values),
    "matter": lambda step: _by_agency(step.matter),
    "gps": lambda step: "on all the way" if step.gps else "",
    "standing": lambda step: _word(step.standing),
    "reading": lambda step: step.reading or "",
    "readings": _readings,
    "what": lambda step: _texts(step.what),
}
_LABELS: Mapping[str, str] = {
    "in_force_from": "in force from",
    "in_force_to": "ends before",
    "judges": "judges",
    "direction": "for which direction",
    "laden": "for vehicles",
    "country": "for vehicles of",
    "yard_location": "for yards lying",
    "purpose": "for vehicles that come for",
    "continues": "goes on from",
    "fee_before": "the fee must have been confirmed at",
    "title": "title",
    "step": "order of the steps that stay",
    "place": "place",
    "loads": "for which vehicles only",
    "confirm": "who confirms",
    "confirm_if_required": "who confirms where it was asked for",
    "confirm_if_transfer": "who confirms where goods go over to another vehicle",
    "confirm_one_of": "one of whom confirms",
    "opens": "who opens",
    "queries": "what the cameras query",
    "declares": "what must be declared",
    "values": "what confirmations must say",
    "matter": "what agencies answer for",
    "gps": "position",
    "standing": "standing of the text",
    "reading": "reading in use",
    "readings": "readings it can take",
    "what": "words for the step",
}
