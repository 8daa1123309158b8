"""What agencies say at the desk: for each value that a step asks of them what there is to choose, and what is not taken.

Weight class and groups of goods are those of the tariff in force; where none is, they are typed.
"""

import re
from collections.abc import Mapping, Sequence

from edge.lane.view import PressRefused
from edge.screen.ports import Asked, Choice
from shared.fees import Fee, Transfer, Value, goods_groups
from shared.judging import FAILED, RESULT
from shared.tariffs import Tariff

PASSED = "passed"
USUAL_KINDS = ("E42", "C11", "E11", "A11", "B11")
"""Customs' kinds to begin with: the first three were seen in the platform's records, the others are generally known."""

_KIND = re.compile(r"[A-Z]{1,2}[0-9]{1,3}")
_WHOLE_VND = re.compile(r"[0-9]{1,15}")
_GROUPED_VND = re.compile(r"[0-9]{1,3}(?:[. \u00a0][0-9]{3}){1,4}")
_LONGEST = 200


def asked(code: str, tariff: Tariff | None, due_vnd: int | None = None) -> Asked:
    """How a value is asked for. `due_vnd` stands in the field of the amount already."""
    match code:
        case Value.WEIGHT_CLASS if tariff is not None:
            return Asked(code, tuple(Choice(one.code, one.words) for one in tariff.classes))
        case Value.GOODS_GROUP if tariff is not None:
            return Asked(code, tuple(Choice(one.code, one.words) for one in tariff.groups), several=True)
        case Value.TRANSFER:
            return Asked(code, tuple(Choice(one.value) for one in Transfer))
        case Value.CUSTOMS_KIND:
            return Asked(code, usual=_kinds(tariff))
        case Value.AMOUNT_VND:
            return Asked(code, preset="" if due_vnd is None else str(due_vnd))
        case _ if code == RESULT:
            return Asked(code, (Choice(PASSED), Choice(FAILED)))
        case _:
            return Asked(code)


def taken(owed: Sequence[Asked], values: Mapping[str, str]) -> dict[str, str]:
    """The values of a confirmation as they are recorded; raises PressRefused for one that is missing or not to be had."""
    return {one.code: _taken(one, values.get(one.code, "").strip()) for one in owed}


def explained(fee: Fee, said: Mapping[str, str], reason: str) -> dict[str, str]:
    """Why the collector confirms money that does not match: nothing where it does. Raises PressRefused without a reason.

    It matches when what she says was paid is what is known to be paid, and is what is due.
    """
    if fee.due_vnd == fee.paid_vnd == int(said.get(Value.AMOUNT_VND, fee.paid_vnd)):
        return {}
    if not reason.strip():
        raise PressRefused("unmatched")
    return {Value.REASON.value: _short(reason.strip())}


def whole_vnd(text: str) -> int:
    """An amount in whole đồng, as 800000 or 800.000; raises PressRefused."""
    text = text.strip()
    if not (_WHOLE_VND.fullmatch(text) or _GROUPED_VND.fullmatch(text)):
        raise PressRefused("bad_amount")
    return int(re.sub(r"\D", "", text))


def words_of(told: Mapping[str, str], tariff: Tariff | None) -> tuple[Choice, ...]:
    """Values of the yard that a fee follows from, with the tariff's words for them."""
    words: dict[str, Mapping[str, str]] = {}
    if tariff is not None:
        words = {one.code: one.words for one in tariff.classes} | {
            one.code: one.words for one in tariff.groups
        }
    codes = (
        told.get(Value.WEIGHT_CLASS, ""),
        told.get(Value.CUSTOMS_KIND, ""),
        *goods_groups(told.get(Value.GOODS_GROUP, "")),
        told.get(Value.TRANSFER, ""),
    )
    return tuple(Choice(one.strip(), words.get(one.strip(), {})) for one in codes if one.strip())


def _taken(one: Asked, given: str) -> str:
    if not given:
        raise PressRefused("values_missing")
    if one.choices:
        chosen = {*goods_groups(given)} if one.several else {given}
        codes = [choice.code for choice in one.choices]
        if not chosen or chosen - {*codes}:
            raise PressRefused("no_such_choice")
        return ",".join(code for code in codes if code in chosen)
    if one.code == Value.AMOUNT_VND:
        return str(whole_vnd(given))
    if one.code == Value.CUSTOMS_KIND:
        if not _KIND.fullmatch(given.upper()):
            raise PressRefused("bad_customs_kind")
        return given.upper()
    return _short(given)


def _short(text: str) -> str:
    if len(text) > _LONGEST:
        raise PressRefused("too_long")
    return text


def _kinds(tariff: Tariff | None) -> tuple[str, ...]:
    """The usual kinds, and those of which the tariff speaks."""
    of_tariff = (kind for one in (*tariff.rates, *tariff.multipliers) for kind in one.kinds) if tariff else ()
    return tuple(dict.fromkeys((*USUAL_KINDS, *of_tariff)))
