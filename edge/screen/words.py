"""Words of the screen in three languages. What the whole platform names alike comes from `shared.words`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from shared import words as shared_words
from shared.agency_names import Called
from shared.procedures import Step
from shared.reasons import Reason
from shared.words import Language, plain_name


@cache
def catalogue(language: Language) -> Mapping[str, Mapping[str, str]]:
    """All words of the screen in one language, by group and code."""
    text = files("edge.screen").joinpath("catalogue", f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@dataclass(frozen=True)
class Words:
    """The words of one language; called as `words("press", "confirm")`. Agencies bear the names of `called`, if any."""

    language: Language
    called: Called | None = None

    def __call__(self, group: str, code: str, **values: object) -> str:
        """The screen's word; else the platform's; else the code itself."""
        found = self._name(group, code) or catalogue(self.language).get(group, {}).get(code)
        text = shared_words.word(self.language, group, code) if found is None else found
        return text.format(**values) if values else text

    def at(self, stamp: str | None) -> "Words":
        """These words with the names of the day of a fact's stamp; the same words for what has none."""
        return replace(self, called=self.called.at(stamp)) if self.called else self

    def group(self, group: str) -> Mapping[str, str]:
        """A whole group of the screen's catalogue, in its order."""
        return catalogue(self.language)[group]

    def refused(self, code: str) -> str:
        """Why a press was not carried out, as a sentence."""
        known = self.group("refused")
        return known[code] if code in known else known["unknown"].format(code=code)

    def sentence(self, reason: Reason, step: Step | None) -> str:
        """A reason of a decision as a sentence."""
        return shared_words.sentence(self.language, reason, step, self.called or plain_name)

    def clause(self, clause: str) -> str:
        """A clause as it is cited: 4.2.g is Điều 4 khoản 2 điểm g."""
        article, _, rest = clause.partition(".")
        paragraph, _, point = rest.partition(".")
        pattern = "point" if point else "paragraph" if paragraph else "article"
        return self("clause", pattern, article=article, paragraph=paragraph, point=point)

    def text(self, by_language: Mapping[str, str]) -> str:
        """A text of a procedure file in this language; Vietnamese where it has none."""
        return by_language.get(self.language, by_language.get(Language.VI, ""))

    def _name(self, group: str, code: str) -> str | None:
        if self.called is None:
            return None
        match group:
            case "agency":
                return self.called(self.language, code)
            case "agency_short":
                return self.called.short(self.language, code)
            case _:
                return None


def reason_on_record(press: str, reason: str) -> str:
    """What a fact keeps of a picked reason: its Vietnamese words, whatever language the screen shows; free text as it is."""
    return catalogue(Language.VI).get(f"reasons_{press}", {}).get(reason, reason)
