"""Bearer tokens of the API: one for the administrator, one for each declarant, one for each cashier and yard."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from central.errors import NotEntitled


class BadTokens(ValueError):
    """A token file is not of its form; the message says what to write."""


@dataclass(frozen=True)
class Tokens:
    """Who may write through the API. Reading needs no token: the centre stands in the control network."""

    admin: str = field(repr=False)
    declarants: Mapping[str, str] = field(repr=False)
    """Token by the declarant's name."""
    cashiers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Token by the name of whoever tells the centre of payments."""
    yards: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Token by the name of a yard that shares its data."""

    @classmethod
    def parse(cls, admin: str, declarants: str) -> "Tokens":
        """Reads the two files' texts: the administrator's token; `name token` on a line for each declarant.

        Raises BadTokens; blank lines and lines that begin with # are passed over.
        """
        if len(admin.strip()) < _LEAST:
            raise BadTokens(
                f"the administrator's token is shorter than {_LEAST} characters; write a random text"
            )
        return cls(admin.strip(), named_tokens(declarants, "declarants"))

    def require_admin(self, sent: str | None) -> None:
        """Raises NotEntitled unless what was sent is the administrator's token."""
        if not _same(sent, self.admin):
            raise NotEntitled("send the administrator's token: `Authorization: Bearer …`")

    def require_declarant(self, sent: str | None) -> str:
        """The declarant whose token was sent; raises NotEntitled."""
        for name, token in self.declarants.items():
            if _same(sent, token):
                return name
        raise NotEntitled("send a declarant's token: `Authorization: Bearer …`")

    def require_cashier(self, sent: str | None) -> None:
        """Raises NotEntitled unless what was sent is a cashier's token, or the administrator's."""
        if not any(_same(sent, token) for token in (*self.cashiers.values(), self.admin)):
            raise NotEntitled("send a cashier's token: `Authorization: Bearer …`")

    def require_yard(self, sent: str | None) -> None:
        """Raises NotEntitled unless what was sent is a yard's token, or the administrator's."""
        if not any(_same(sent, token) for token in (*self.yards.values(), self.admin)):
            raise NotEntitled("send a yard's token: `Authorization: Bearer …`")


_LEAST = 16


def named_tokens(text: str, whose: str) -> dict[str, str]:
    """Tokens by name, from lines `name token`; raises BadTokens. Blank lines and lines that begin with # are passed over."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2 or len(words[1]) < _LEAST:
            raise BadTokens(f"line {number} of the {whose}: write `name token`, {_LEAST} characters or more")
        found[words[0]] = words[1]
    return found


def _same(sent: str | None, token: str) -> bool:
    return hmac.compare_digest((sent or "").encode(), token.encode())
