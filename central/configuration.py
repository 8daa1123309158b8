"""The centre's configuration: one TOML file. Paths in it are relative to the file."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from central.access import BadTokens, Tokens, named_tokens
from shared.configuration import BadConfiguration, Finding, find_line, parse
from shared.fees import Routing
from shared.node import agency_file
from shared.node.broker import BrokerTable, Port
from shared.node.link import LinkSettings
from shared.node.tariff_files import SHIPPED, load_tariffs
from shared.signing import BadKey, PrivateKey
from shared.tariffs import Tariffs

SiteCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,40}$")]


def _address(text: str) -> str:
    url = urlsplit(text)
    if url.scheme != "postgresql" or not url.username or not url.path.strip("/"):
        raise ValueError("no address of a database; write postgresql://user@host/name")
    if url.password is not None or "password" in parse_qs(url.query):
        raise ValueError(
            "a password has no place here; write it into a file, and that into database_password_file"
        )
    return text


DatabaseAddress = Annotated[str, AfterValidator(_address)]


class Table(BaseModel):
    """Base of the file's tables: strict about keys nobody knows."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Listen(Table):
    """Where the API and the page are served. Reading needs no token: serve in the control network only."""

    host: str = "127.0.0.1"
    port: Port = 8080


class Fees(Routing):
    """Who collects the fee, by which tariffs, and who may tell of payments; without `cashier_tokens_file` the administrator."""

    tariffs: Path | None = None
    cashier_tokens_file: Path | None = None


class Configuration(Table):
    """The whole file."""

    sites: Annotated[tuple[SiteCode, ...], Field(min_length=1)]
    store: Path | None = None
    database: DatabaseAddress | None = None
    database_password_file: Path | None = None
    pictures: Path = Path("pictures")
    agency_names: Path | None = None
    key_file: Path
    admin_token_file: Path
    declarant_tokens_file: Path
    yard_tokens_file: Path | None = None
    listen: Listen = Listen()
    fees: Fees = Fees()
    broker: BrokerTable

    @model_validator(mode="after")
    def _one_database(self) -> Self:
        if self.store and self.database:
            raise ValueError(
                "store and database exclude each other; keep store for SQLite, database for PostgreSQL"
            )
        if self.database_password_file and not self.database:
            raise ValueError("database_password_file is of no use without database; write both")
        return self


class CentreConfiguration:
    """A configuration with the file it came from: paths resolved, secrets read when they are asked for.

    Every method that reads a file raises BadConfiguration with a finding on the key that names it.
    """

    def __init__(self, path: Path, text: str, values: Configuration) -> None:
        self.values = values
        self._path = path
        self._text = text

    @classmethod
    def read(cls, path: Path) -> "CentreConfiguration":
        """Reads and checks a file; raises BadConfiguration, OSError when it cannot be read."""
        text = path.read_text(encoding="utf-8")
        return cls(path, text, parse(text, str(path), Configuration))

    @property
    def store(self) -> Path:
        """Where the store lies when it is SQLite, as it is unless `database` names a PostgreSQL."""
        return self._beside(self.values.store or Path("centre.db"))

    @property
    def database(self) -> str | None:
        """The address of a PostgreSQL that is the store, or None."""
        return self.values.database

    def database_password(self) -> str | None:
        """The password of `database`; None where none is needed."""
        file = self.values.database_password_file
        if file is None:
            return None
        return self._secret(
            file, "database_password_file", "write the database user's password into it"
        ).strip()

    @property
    def pictures(self) -> Path:
        """The folder of thumbnails."""
        return self._beside(self.values.pictures)

    @property
    def agency_names(self) -> Path:
        """The file of agencies' names."""
        return self._beside(self.values.agency_names) if self.values.agency_names else agency_file.SHIPPED

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints, beside the store; one folder a site."""
        return self.store.parent / "checkpoints"

    def key(self) -> PrivateKey:
        """The centre's signing key."""
        text = self._secret(self.values.key_file, "key_file", "make it with `barie-central key FILE`")
        try:
            return PrivateKey.parse(text)
        except BadKey as error:
            raise self._wrong(("key_file",), f"{error}; make one with `barie-central key FILE`") from error

    def tokens(self) -> Tokens:
        """The bearer tokens of the API."""
        values = self.values
        admin = self._secret(values.admin_token_file, "admin_token_file", "write a random text into it")
        declarants = self._secret(
            values.declarant_tokens_file, "declarant_tokens_file", "write `name token` lines into it"
        )
        try:
            tokens = Tokens.parse(admin, declarants)
        except BadTokens as error:
            raise self._wrong(("declarant_tokens_file",), str(error)) from error
        return replace(
            tokens,
            cashiers=self._named("fees.cashier_tokens_file", values.fees.cashier_tokens_file, "cashiers"),
            yards=self._named("yard_tokens_file", values.yard_tokens_file, "yards"),
        )

    def tariffs(self) -> Tariffs:
        """The tariffs of the fee; those that come with the repository unless `[fees] tariffs` names a folder."""
        folder = self.values.fees.tariffs
        return load_tariffs(SHIPPED if folder is None else self._beside(folder))

    def link(self) -> LinkSettings:
        """How to reach the broker."""
        try:
            return self.values.broker.link(self._path.parent)
        except (OSError, UnicodeDecodeError) as error:
            advice = f"{error}; write the broker's password into it"
            raise self._wrong(("broker", "password_file"), advice) from error

    def _named(self, key: str, file: Path | None, whose: str) -> dict[str, str]:
        if file is None:
            return {}
        text = self._secret(file, key, "write `name token` lines into it")
        try:
            return named_tokens(text, whose)
        except BadTokens as error:
            raise self._wrong(tuple(key.split(".")), str(error)) from error

    def _beside(self, path: Path) -> Path:
        return self._path.parent / path

    def _secret(self, path: Path, key: str, advice: str) -> str:
        try:
            return self._beside(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise self._wrong(tuple(key.split(".")), f"{error}; {advice}") from error

    def _wrong(self, key: tuple[str, ...], message: str) -> BadConfiguration:
        line = find_line(self._text, key)
        return BadConfiguration([Finding(str(self._path), line, ".".join(key), message)])
