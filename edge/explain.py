"""`barie-edge explain`: what a gate would say of a declaration or a plate, from its own store, as text or JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.configuration import GateConfiguration
from edge.lane.passage import Correction, Judgement, Knowledge, Passage
from edge.underway import Underway
from shared import plates
from shared.agency_names import Called
from shared.authority import Authority
from shared.bodies import AUTHORITY_KINDS, RULE_KINDS
from shared.clock import day_at_gates
from shared.codes import Heading, Place
from shared.decide import Decision, explain_no_declaration
from shared.facts import Fact
from shared.journal import author_of, centre_node
from shared.known import Known, journals_of
from shared.node.agency_file import names_at_hand
from shared.node.declarations import DeclarationBook, Declarations
from shared.node.errors import StoreUnusable
from shared.node.procedure_files import load_procedures
from shared.node.store import Store
from shared.node.used_twice import UsedTwice
from shared.published import Published
from shared.reasons import Code, Reason
from shared.words import Language, sentence, word


@dataclass(frozen=True)
class Question:
    """What is asked: a declaration (and one of its vehicles by plate), or a plate alone, at a place in a heading."""

    place: Place
    heading: Heading
    declaration: str | None = None
    plate: str | None = None


@dataclass(frozen=True)
class Answer:
    """A decision, what was known, and how to call agencies: `confirmed_at` is the stamp of each confirmation it counts."""

    decision: Decision
    known: Known
    called: Called
    confirmed_at: Mapping[str, str]

    def sentence(self, reason: Reason, language: Language) -> str:
        """A reason as a sentence: who confirmed by the name of that day, who is awaited by today's."""
        at = next((self.confirmed_at[ref] for ref in reason.facts if ref in self.confirmed_at), None)
        called = self.called.at(at) if reason.code is Code.CONFIRMED else self.called
        return sentence(language, reason, self.decision.step, called)


def answer(configuration: GateConfiguration, question: Question) -> Answer:
    """Decides from the store on disk; raises StoreUnusable when there is none.

    Ages are counted from the newest fact held of each journal, by the wall clock.
    """
    file = configuration.path(configuration.table.data) / "facts.db"
    if not file.exists():
        raise StoreUnusable(f"no store at {file}; mend `data` in the configuration, or run the gate first")
    store = Store(file, [Declarations(), Underway(), UsedTwice()])
    try:
        knowledge = _knowledge(configuration, store)
        about = _judge(knowledge, question)
        decision = about.decision or explain_no_declaration()
        names = names_at_hand(configuration.agency_names)
        called = Called(names, configuration.table.site, day_at_gates(store.steady()))
        return Answer(decision, knowledge.known(), called, _confirmed_at(store, decision))
    finally:
        store.close()


def as_json(answer: Answer, language: Language) -> dict[str, Any]:
    """The decision as `docs/contracts` promise it."""
    decision = answer.decision
    return {
        "verdict": decision.verdict.value,
        "waits_for": [agency.value for agency in decision.waits_for],
        "ordered": decision.ordered,
        "opens": decision.opens.value if decision.opens else None,
        "fresh": dict(answer.known.ages_s),
        "reasons": [
            {
                "code": reason.code.value,
                "clause": reason.clause,
                "text": answer.sentence(reason, language),
                "facts": list(reason.facts),
            }
            for reason in decision.reasons
        ],
    }


def as_text(answer: Answer, language: Language) -> str:
    """The decision in words."""
    lines = [word(language, "verdict", answer.decision.verdict)]
    for reason in answer.decision.reasons:
        clause = f" [{reason.clause}]" if reason.clause else ""
        lines.append(f"  {answer.sentence(reason, language)}{clause}")
    return "\n".join(lines)


def _confirmed_at(store: Store, decision: Decision) -> dict[str, str]:
    refs = [ref for one in decision.reasons if one.code is Code.CONFIRMED for ref in one.facts]
    return {ref: fact.at for ref in refs if (fact := store.get(ref)) is not None}


def _judge(knowledge: Knowledge, question: Question) -> Judgement:
    if question.declaration is None:
        passage = Passage("", "", correction=Correction(question.plate or "", ""))
        return knowledge.judge(passage, question.place, question.heading)
    declared = knowledge.book.find(question.declaration)
    if declared is None:
        return Judgement(decision=explain_no_declaration())
    wanted = plates.key(question.plate) if question.plate else None
    vehicles = [v.vehicle for v in declared.body.vehicles if wanted in (None, plates.key(v.plate))]
    if not vehicles and question.plate:
        refused = knowledge.turned_away(question.plate, None, slip=question.declaration)
        if refused is not None:
            return Judgement(decision=refused)
    vehicle = vehicles[0] if vehicles else "-"
    return knowledge.judge_vehicle(question.declaration, vehicle, question.place, question.heading)


def _knowledge(configuration: GateConfiguration, store: Store) -> Knowledge:
    table = configuration.table
    authority = Authority.of(table.site, store.of_kinds(AUTHORITY_KINDS))
    published = Published.of(table.site, store.of_kinds(RULE_KINDS))
    heads = store.heads()
    required = journals_of((centre_node(table.site), *table.required_nodes), heads)
    known = Known(
        authority,
        {journal: head.seq for journal, head in heads.items()},
        {j: _age_s(store, j) for j in heads if author_of(j) != table.node},
        required,
    )
    return Knowledge(
        store,
        DeclarationBook(store),
        load_procedures(configuration.path(Path(table.procedures))),
        table.settings.settings(),
        lambda: known,
        lambda: published,
    )


def _age_s(store: Store, journal: str) -> int | None:
    newest: Fact | None = store.get(f"{journal}/{store.head(journal).seq}")
    return (
        None if newest is None else max(0, int((store.clock.now().wall - newest.stamp.wall).total_seconds()))
    )
