"""Words in three languages: the same keys, a sentence for every reason, nothing left open."""

import re
from collections.abc import Mapping

import pytest

from shared.bodies import BODIES
from shared.codes import Actor, Agency, Heading, Place, Verdict
from shared.decide import explain_no_declaration
from shared.node.procedure_files import SHIPPED, load_procedures
from shared.procedures import Matter
from shared.reasons import Code, Reason
from shared.settings import Settings
from shared.words import Language, catalogue, sentence, sentences, word
from tests.builders import BARRIER_2_IN, BORDER_GUARD, CUSTOMS, NO, Site

VALUES: Mapping[Code, Mapping[str, str]] = {
    Code.RECALLED: {"no": "2026112300001"},
    Code.OTHER_SITE: {"site": "TT"},
    Code.VEHICLE_NOT_DECLARED: {"no": "2026112300001"},
    Code.NO_PROCEDURE: {"procedure": "9.9"},
    Code.WRONG_PLACE: {"place": "barrier-1", "heading": "in"},
    Code.EARLIER_STEP_MISSING: {"agencies": "customs, border_guard"},
    Code.EARLIER_STEP_SHOWN: {"agencies": "tax"},
    Code.EARLIER_STEP_LEFT_BEHIND: {"agencies": "customs"},
    Code.CONFIRMED: {"agency": "customs"},
    Code.CONFIRMATION_MISSING: {"agency": "customs"},
    Code.CONFIRMATION_DOES_NOT_COUNT: {"agency": "customs", "why": "pending"},
    Code.AMENDED_SINCE: {"agency": "customs"},
    Code.OUT_OF_ORDER: {"agency": "customs"},
    Code.READING_IN_USE: {"reading": "wide"},
    Code.DECLARATION_INCOMPLETE: {"no": NO, "fields": "driver, goods"},
    Code.PROCEDURES_DIFFER: {"procedures": "6.5, 6.6"},
    Code.CONTINUES: {"procedure": "5.2"},
    Code.FEE_NOT_CONFIRMED: {"agencies": "gate_management, tax"},
    Code.VALUES_MISSING: {"agency": "customs", "values": "customs_kind, goods_group"},
    Code.QUARANTINE_FAILED: {"agency": "plant_quarantine"},
    Code.QUARANTINE_NOT_REQUESTED: {"agency": "plant_quarantine"},
    Code.KNOWLEDGE_STALE: {"centre-CKHN.1": "700"},
    Code.ANOTHER_TRACTOR: {"no": "2026112300001", "read": "29H99999", "declared": "12C12345"},
    Code.TRAILER_DIFFERS: {"no": "2026112300001", "read": "98R03688", "declared": "98R03866"},
    Code.PLATE_AMENDED: {"no": "2026112300001", "read": "12C12345", "declared": "29H99999"},
}
"""The values that `decide` gives with a reason."""


VALUES_OWED = sorted(
    {
        code
        for procedure in load_procedures(SHIPPED).all
        for step in procedure.steps
        for codes in step.values.values()
        for code in codes
    }
)
"""What the shipped procedures ask confirmations to say."""


def keys(language: Language) -> set[tuple[str, str]]:
    return {(group, code) for group, words in catalogue(language).items() for code in words}


@pytest.mark.parametrize("language", Language)
def test_the_languages_have_the_same_keys(language: Language) -> None:
    assert keys(language) == keys(Language.VI)


@pytest.mark.parametrize("language", Language)
def test_the_languages_name_the_same_values_in_each_sentence(language: Language) -> None:
    for code, text in catalogue(language)["reason"].items():
        named, named_in_vietnamese = (
            set(re.findall(r"{(\w+)}", one)) for one in (text, catalogue(Language.VI)["reason"][code])
        )
        assert named == named_in_vietnamese, code


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(
    ("group", "codes"),
    [
        ("agency", [*Agency, *Actor]),
        ("place", Place),
        ("heading", Heading),
        ("verdict", Verdict),
        ("fact", sorted({kind for kind, _ in BODIES})),
        ("matter", Matter),
        ("value", VALUES_OWED),
    ],
)
def test_every_code_has_a_word(language: Language, group: str, codes: list[str]) -> None:
    assert set(codes) <= set(catalogue(language)[group])
    assert all(catalogue(language)[group][code].strip() for code in codes)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("code", Code)
def test_every_reason_is_a_whole_sentence(language: Language, code: Code) -> None:
    step = Site("4.3", enrolled=False).step("4.3.e")
    said = sentence(language, Reason(code, values=VALUES.get(code, {})), step)
    assert said != code.value
    assert not re.search(r"[{}…]", said), said
    assert said.endswith((".", "。"))
    assert not re.search(r"[a-z]_[a-z]|barrier-\d", said), f"a code stands in: {said}"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (Language.VI, "Hải quan"),
        (Language.EN, "Customs"),
        (Language.ZH, "海关"),
    ],
)
def test_agencies_are_called_by_their_name(language: Language, said: str) -> None:
    reason = Reason(Code.CONFIRMATION_MISSING, values={"agency": "customs"})
    assert said in sentence(language, reason)


def test_the_reading_in_use_is_explained_by_its_note() -> None:
    decision = Site("4.3").decide(BARRIER_2_IN, settings=Settings(readings={"4.3.e": "wide"}))
    said = " ".join(sentences(Language.VI, decision))
    assert "đọc theo nghĩa rộng" in said


def test_a_decision_reads_as_sentences_in_the_order_of_its_reasons() -> None:
    site = Site("4.2")
    site.confirm("4.2.b", BORDER_GUARD)
    assert sentences(Language.EN, site.decide(BARRIER_2_IN)) == (
        "Border guard: confirmed.",
        "Waiting for Customs to confirm.",
    )
    assert len(sentences(Language.VI, explain_no_declaration())) == 1


def test_a_code_of_a_newer_node_stands_for_itself() -> None:
    assert word(Language.VI, "agency", "coast_guard") == "coast_guard"
    assert word(Language.VI, "no such group", CUSTOMS) == "customs"


def test_a_value_from_outside_cannot_break_a_sentence() -> None:
    reason = Reason(Code.RECALLED, values={"no": "{agency.__class__}"})
    assert "{agency.__class__}" in sentence(Language.EN, reason)
