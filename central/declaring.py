"""Declarations in: given a number, turned into facts with the personal values apart, taken once however often they are sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from central.errors import Conflict, NotFound, NumbersExhausted
from central.journals import CentreJournals
from central.models import DeclarationIn
from shared import subjects
from shared.authority import from_centre
from shared.bodies import Recalled, dump
from shared.clock import day_at_gates, utc_now
from shared.declared import Declaration
from shared.facts import Draft, Fact, Private, PrivateValue, commit
from shared.node.declarations import DeclarationBook, Declared

MOST_OF_A_DAY = 99_999
_PERSONAL = ("name", "papers", "phone")


@dataclass(frozen=True)
class Taken:
    """A declaration as it now stands. `new` is False when it had been taken before."""

    declared: Declared
    new: bool


class DeclarationDesk:
    """Takes, amends and recalls declarations. Each call is one transaction, whatever other processes do at the same time."""

    def __init__(self, journals: CentreJournals, wall: Callable[[], datetime] = utc_now) -> None:
        self._journals = journals
        self._store = journals.store
        self._wall = wall
        self._book = DeclarationBook(journals.store)

    def find(self, no: str) -> Declared:
        """The newest version; raises NotFound."""
        declared = self._book.find(no)
        if declared is None:
            raise NotFound(f"no declaration {no} is held here")
        return declared

    def declare(self, asked: DeclarationIn, idempotency_key: str | None = None) -> Taken:
        """Takes a declaration. The same number, or the same key, with the same content is taken once.

        Raises Conflict when the number stands for other content, UnknownSite, NumbersExhausted.
        """
        self._journals.require(asked.site)
        with self._store.together("take a declaration into"):
            no = asked.no or self._number(idempotency_key)
            if self._book.find(no) is None:
                self._write("declared", asked, no, version=1, declared_at=self._wall())
                return Taken(self.find(no), new=True)
            first = self._version(no, 1)
            if _content(asked) != self._content_of(first):
                raise Conflict(f"{no} stands for other content; amend it with PUT, or leave the number out")
            return Taken(self.find(no), new=False)

    def amend(self, no: str, asked: DeclarationIn) -> Taken:
        """Writes the next version; the content that already stands is written once. Raises Conflict, NotFound."""
        with self._store.together("amend a declaration in"):
            current = self.find(no)
            if current.recalled:
                raise Conflict(f"{no} was recalled; declare anew")
            if asked.no not in (None, no) or asked.site != current.body.site:
                raise Conflict(f"an amendment keeps number and site: {no} at {current.body.site}")
            held = self._store.get(current.ref)
            if held is not None and _content(asked) == self._content_of(held):
                return Taken(current, new=False)
            self._write(
                "amended",
                asked,
                no,
                version=current.body.version + 1,
                declared_at=current.body.declared_at,
                before=current.ref,
            )
            return Taken(self.find(no), new=True)

    def recall(self, no: str, reason: str) -> Taken:
        """Takes a declaration back, once. Raises NotFound."""
        with self._store.together("recall a declaration in"):
            current = self.find(no)
            if current.recalled:
                return Taken(current, new=False)
            body = dump(Recalled(no=no, reason=reason))
            self._journals.write(current.body.site, Draft("recalled", subjects.declaration(no), body))
            return Taken(self.find(no), new=True)

    # -- numbers

    def _number(self, idempotency_key: str | None) -> str:
        """The number kept for the key, else the next of the day."""
        kept = f"idempotency/{idempotency_key}" if idempotency_key else None
        if kept and (no := self._store.setting(kept)):
            return no
        no = self._next_of(day_at_gates(self._wall()))
        if kept:
            self._store.set_setting(kept, no)
        return no

    def _next_of(self, day: date) -> str:
        prefix = f"{day:%Y%m%d}"
        highest = self._store.rows(
            "SELECT max(no) FROM declarations WHERE no BETWEEN ? AND ?", (f"{prefix}00000", f"{prefix}99999")
        )[0][0]
        given = self._store.setting(f"number/{prefix}")
        last = max(int(highest[8:]) if highest else 0, int(given) if given else 0)
        if last >= MOST_OF_A_DAY:
            raise NumbersExhausted(
                f"all numbers of {day:%d/%m/%Y} are given; send the declaration with a number"
            )
        self._store.set_setting(f"number/{prefix}", str(last + 1))
        return f"{prefix}{last + 1:05d}"

    # -- facts

    def _write(
        self,
        kind: str,
        asked: DeclarationIn,
        no: str,
        *,
        version: int,
        declared_at: datetime,
        before: str | None = None,
    ) -> None:
        plain = _content(asked) | {"no": no, "version": version, "declared_at": declared_at.isoformat()}
        body, private = self._commit(plain, before)
        body = dump(Declaration.model_validate(body))
        self._journals.write(asked.site, Draft(kind, subjects.declaration(no), body, private))

    def _commit(self, plain: Mapping[str, Any], before: str | None) -> tuple[Any, Private]:
        """Commits to the personal values. A value that stood before keeps its salt: only what changed is confirmed anew."""
        kept = self._drivers_of(before) if before else {}
        body: Any = plain
        private: dict[str, PrivateValue] = {}
        for at, vehicle in enumerate(plain["vehicles"]):
            for name in _PERSONAL:
                old = kept.get((vehicle["vehicle"], name))
                same = old is not None and old.value == vehicle.get("driver", {}).get(name)
                pointer = f"/vehicles/{at}/driver/{name}"
                body, added = commit(body, [pointer], old.salt if same and old else None)
                private |= added
        return body, private

    def _drivers_of(self, ref: str) -> dict[tuple[str, str], PrivateValue]:
        sealed = self._store.sealed(ref)
        if sealed is None:
            return {}
        return {
            (
                sealed.fact.body["vehicles"][int(pointer.split("/")[2])]["vehicle"],
                pointer.split("/")[4],
            ): value
            for pointer, value in sealed.private.items()
        }

    def _version(self, no: str, version: int) -> Fact:
        site = self.find(no).body.site
        return next(
            fact
            for fact in self._store.about(subjects.declaration(no))
            if fact.kind in ("declared", "amended")
            and from_centre(site, fact)
            and fact.body["version"] == version
        )

    def _content_of(self, fact: Fact) -> dict[str, Any]:
        """What the declarant had sent: the fact's body with the personal values back in their places."""
        values = self._store.private(fact.ref)
        body = Declaration.model_validate(fact.body).model_dump(mode="json")
        for at, vehicle in enumerate(body["vehicles"]):
            vehicle["driver"] = {name: values.get(f"/vehicles/{at}/driver/{name}") for name in _PERSONAL}
        return {name: body[name] for name in DeclarationIn.model_fields if name != "no"}


def _content(asked: DeclarationIn) -> dict[str, Any]:
    return asked.model_dump(mode="json", exclude={"no"})
