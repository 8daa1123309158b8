"""Words for codes, in Vietnamese, English and Chinese: agencies, places, verdicts, and the sentence of every reason.

The catalogues are package data (`shared/catalogue/*.toml`); a test holds the three languages to the same keys.
"""

import tomllib
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files

from shared.decide import Decision
from shared.procedures import Step
from shared.reasons import Reason

LANGUAGES = ("vi", "en", "zh")


class Language(StrEnum):
    """Languages of screens and explanations; Vietnamese first."""

    VI = "vi"
    EN = "en"
    ZH = "zh"


Named = Callable[[Language, str], str]
"""The name of an agency by its code, in a language; `shared.agency_names.Called` knows day and site."""


@cache
def catalogue(language: Language) -> Mapping[str, Mapping[str, str]]:
    """All words of a language, by group and code."""
    text = files("shared").joinpath("catalogue", f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def word(language: Language, group: str, code: str) -> str:
    """The word for a code; the code itself when a catalogue has none (a node may be newer than this one)."""
    return catalogue(language).get(group, {}).get(code, code)


def plain_name(language: Language, agency: str) -> str:
    """What an agency, or who acts in its place, is called where no name of its own is known."""
    return word(language, "agency", agency)


def sentence(language: Language, reason: Reason, step: Step | None = None, named: Named = plain_name) -> str:
    """A reason as one sentence."""
    values = {name: _value(language, name, value, named) for name, value in reason.values.items()}
    if "reading" in values:
        values["note"] = _note(language, reason, step)
    if reason.code.value == "knowledge_stale":
        values["journals"] = ", ".join(reason.values)
    pattern = word(language, "reason", reason.code.value)
    return pattern.format_map(_Forgiving(values))


def sentences(language: Language, decision: Decision, named: Named = plain_name) -> tuple[str, ...]:
    """Every reason of a decision as a sentence."""
    return tuple(sentence(language, reason, decision.step, named) for reason in decision.reasons)


def _note(language: Language, reason: Reason, step: Step | None) -> str:
    """What a reading in use means: a setting's words stand in the catalogue, a step's own in its file."""
    reading, setting = reason.values["reading"], reason.values.get("setting")
    if setting is not None:
        known = catalogue(language)["reading"]
        pattern = known.get(f"{setting}-{reading}", known.get(setting, reading))
        return pattern.format_map(_Forgiving(reading=reading))
    chosen = step.readings.get(reading) if step is not None else None
    return chosen.note.get(language, chosen.note.get("vi", "")) if chosen else ""


class _Forgiving(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "…"


def _value(language: Language, name: str, value: str, named: Named) -> str:
    match name:
        case "agency":
            return named(language, value)
        case "agencies":
            return ", ".join(named(language, one) for one in value.split(", "))
        case "place" | "heading":
            return word(language, name, value)
        case "why":
            return word(language, "counting", value)
        case "fields" | "values":
            group = "matter" if name == "fields" else "value"
            return ", ".join(word(language, group, one) for one in value.split(", "))
        case _:
            return value
