"""Who may sign in at this screen: PIN verifiers kept on the gate PC. Verifiers are never facts.

The file is TOML, one table an officer: `[officers.bp-0117]` with `agency` and `verifier` (scrypt, made by `barie-edge pin`).
What an officer may do is decided by her enrolment facts; this file only says that she is who she says.
"""

import base64
import hashlib
import hmac
import secrets
from pathlib import Path
from typing import Annotated

import structlog
from pydantic import BaseModel, ConfigDict, StringConstraints

from shared.body import Code
from shared.codes import Agency
from shared.configuration import BadConfiguration, parse

log = structlog.get_logger()

_COST = {"n": 2**14, "r": 8, "p": 1}

Verifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{22}==\.[A-Za-z0-9+/]{43}=$")]
"""Salt (16 bytes) and scrypt key (32 bytes) in base64."""


class OfficerTable(BaseModel):
    """One officer's agency and PIN verifier."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    agency: Agency
    verifier: Verifier


class OfficersTable(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    officers: dict[Code, OfficerTable] = {}


def load_officers(file: Path | None) -> dict[str, OfficerTable]:
    """Reads the officers' file; an absent file has no officers. Raises BadConfiguration."""
    if file is None or not file.exists():
        return {}
    return parse(file.read_text(encoding="utf-8"), str(file), OfficersTable).officers


class Officers:
    """The officers' file, read again when it changes. While it cannot be used, what was read before stays in force."""

    def __init__(self, file: Path | None) -> None:
        self.error: str | None = None
        """What is wrong with the file, for the technician; None when all is well."""
        self._file = file
        self._read_at: float | None = None
        self._officers: dict[str, OfficerTable] = {}
        self._read()

    def agency_of(self, code: str, pin: str) -> Agency | None:
        """The officer's agency when the PIN is hers; takes tens of milliseconds on purpose."""
        self._read()
        found = self._officers.get(code)
        return found.agency if found and pin_fits(pin, found.verifier) else None

    def _read(self) -> None:
        changed_at = self._file.stat().st_mtime if self._file and self._file.exists() else 0.0
        if changed_at == self._read_at:
            return
        self._read_at = changed_at
        try:
            self._officers, self.error = load_officers(self._file), None
        except (BadConfiguration, OSError, UnicodeDecodeError) as error:
            self.error = str(error)
            log.error("officers_unusable", error=self.error)


def make_verifier(pin: str) -> str:
    """A salted scrypt verifier for a PIN."""
    salt = secrets.token_bytes(16)
    return f"{_b64(salt)}.{_b64(hashlib.scrypt(pin.encode(), salt=salt, **_COST, dklen=32))}"


def pin_fits(pin: str, verifier: str) -> bool:
    """True when the PIN is the one the verifier was made from; takes tens of milliseconds on purpose."""
    salt, _, expected = verifier.partition(".")
    found = hashlib.scrypt(pin.encode(), salt=base64.b64decode(salt), **_COST, dklen=32)
    return hmac.compare_digest(_b64(found), expected)


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
