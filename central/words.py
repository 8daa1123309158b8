"""Words of the centre's own pages, beside the shared ones. Package data, held to the same keys by a test."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from shared.clock import VIETNAM, BadStamp, Stamp
from shared.words import Language, word


@cache
def catalogue(language: Language) -> Mapping[str, Mapping[str, str]]:
    """All words of the centre's pages in a language, by group and code."""
    text = files("central").joinpath("catalogue", f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def say(language: Language, group: str, code: str | None, **values: object) -> str:
    """The word for a code: the centre's own, else the shared one, else the code itself."""
    if code is None:
        return ""
    own = catalogue(language).get(group, {}).get(code)
    return own.format_map(values) if own is not None else word(language, group, code)


def amount(language: Language, vnd: int) -> str:
    """Whole đồng as they are written in a language: 300.000 in Vietnamese, 300,000 in the others."""
    text = f"{vnd:,}"
    return text.replace(",", ".") if language is Language.VI else text


def chosen(lang: str | None) -> Language:
    """The language asked for; Vietnamese when none or an unknown one is."""
    return Language(lang) if lang in set(Language) else Language.VI


def local(at: str | None, form: str = "%H:%M:%S") -> str:
    """A stamp as local time at the gates."""
    try:
        return Stamp.parse(at or "").wall.astimezone(VIETNAM).strftime(form)
    except BadStamp:
        return ""
