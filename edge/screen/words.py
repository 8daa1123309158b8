"""Words of the screen in three languages. What the whole platform names alike comes from `shared.words`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from shared import words as shared_words
from shared.procedures import Step
from shared.reasons import Reason
from shared.words import Language


@cache
def catalogue(language: Language) -> Mapping[str, Mapping[str, str]]:
    """All words of the screen in one language, by group and code."""
    text = files("edge.screen").joinpath("catalogue", f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@dataclass(frozen=True)
class Words:
    """The words of one language; called as `words("press", "confirm")`."""

    language: Language

    def __call__(self, group: str, code: str, **values: object) -> str:
        """The screen's word; else the platform's; else the code itself."""
        found = catalogue(self.language).get(group, {}).get(code)
        text = shared_words.word(self.language, group, code) if found is None else found
        return text.format(**values) if values else text

    def group(self, group: str) -> Mapping[str, str]:
        """A whole group of the screen's catalogue, in its order."""
        return catalogue(self.language)[group]

    def refused(self, code: str) -> str:
        """Why a press was not carried out, as a sentence."""
        known = self.group("refused")
        return known[code] if code in known else known["unknown"].format(code=code)

    def sentence(self, reason: Reason, step: Step | None) -> str:
        """A reason of a decision as a sentence."""
        return shared_words.sentence(self.language, reason, step)

    def clause(self, clause: str) -> str:
        """A clause as it is cited: 4.2.g is Điều 4 khoản 2 điểm g."""
        article, _, rest = clause.partition(".")
        paragraph, _, point = rest.partition(".")
        pattern = "point" if point else "paragraph" if paragraph else "article"
        return self("clause", pattern, article=article, paragraph=paragraph, point=point)

    def text(self, by_language: Mapping[str, str]) -> str:
        """A text of a procedure file in this language; Vietnamese where it has none."""
        return by_language.get(self.language, by_language.get(Language.VI, ""))


def reason_on_record(press: str, reason: str) -> str:
    """What a fact keeps of a picked reason: its Vietnamese words, whatever language the screen shows; free text as it is."""
    return catalogue(Language.VI).get(f"reasons_{press}", {}).get(reason, reason)
