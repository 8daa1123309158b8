"""PostgreSQL under the centre's store: several processes on one database, one writer at a time.

Writers take turns by an advisory lock that a transaction holds until it ends. Whoever speaks for the centre holds another
one as long as its session lives. What is committed is on disk; text sorts by code point, as in SQLite.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import psycopg
import structlog
from psycopg.adapt import Buffer, Dumper, Loader
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import DataError, LockNotAvailable, ProgramLimitExceeded
from psycopg.postgres import types
from psycopg.pq import TransactionStatus

from shared.node.engine import migration_files, statements
from shared.node.errors import StoreUnusable, Unstorable

log = structlog.get_logger()

Connection = psycopg.Connection[tuple[Any, ...]]

_LOCKS = 0x62617269
"""First number of this system's advisory locks, which hold within one database; the second says what for."""
_WRITING, _LEADING = 1, 2

_NETWORK: Mapping[str, Any] = {
    "application_name": "barie",
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
    "target_session_attrs": "read-write",
}
"""How a server that fell silent is noticed; an address may say otherwise."""

_SESSION = """
SET client_encoding = 'UTF8';
SET tcp_keepalives_idle = 10;
SET tcp_keepalives_interval = 5;
SET tcp_keepalives_count = 3;
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""
_WRITER = "SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '30s'"
_LEADER = "SET idle_session_timeout = '30s'"

_FITNESS = """
SELECT current_setting('server_encoding') AS encoding, 'B' < 'a' AND 'z' < 'á' AS by_code_point,
    current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes
"""

_PRIVATE = {"private_values": ("salt", "value"), "quarantine": ("payload",)}
"""Tables that hold personal values, and in which columns."""

_MARK = re.compile(r"'[^']*'|\?|%")


class PostgresEngine:
    """An `Engine` on PostgreSQL. After a connection was lost, the next call or transaction connects again."""

    shared = True
    broken = None

    def __init__(self, dsn: str, password: str | None = None) -> None:
        """Connects to `postgresql://user@host:port/name`; raises StoreUnusable, also where a commit would not be on disk."""
        self._access = (dsn, password)
        self._server = _Server(dsn, password)
        self._transacting = False
        self._failed = False
        with self._guard("open"):
            self._connection = self._server.connect(_WRITER)

    def execute(self, sql: str, values: Sequence[Any] = ()) -> None:
        """See Engine."""
        with self._guard("write to"):
            self._live().execute(translated(sql), values)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """See Engine."""
        with self._guard("write to"), self._live().cursor() as cursor:
            cursor.executemany(translated(sql), rows)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """See Engine."""
        with self._guard("read"):
            return self._live().execute(translated(sql), values).fetchall()

    @contextmanager
    def transaction(self, doing: str) -> Iterator[None]:
        """See Engine."""
        with self._guard(doing):
            if self._transacting:
                raise psycopg.OperationalError("cannot start a transaction within a transaction")
            connection = self._live()
        self._transacting, self._failed = True, False
        try:
            with self._guard(doing):
                connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
                connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", (_LOCKS, _WRITING))
            yield
            with self._guard(doing):
                if self._failed:
                    raise psycopg.OperationalError("a statement in it failed; nothing was written")
                connection.execute("COMMIT")
        except BaseException:
            _roll_back(connection)
            raise
        finally:
            self._transacting = False

    def migrate(self) -> None:
        """See Engine."""
        with self.transaction("migrate"):
            self.execute(
                "CREATE TABLE IF NOT EXISTS migrations "
                "(name TEXT PRIMARY KEY, at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now())"
            )
        for name, text in migration_files():
            with self.transaction(f"run migration {name} of"):
                if self.rows("SELECT 1 FROM migrations WHERE name = ?", (name,)):
                    continue
                for one in statements(text):
                    self.execute(one)
                self.execute("INSERT INTO migrations (name) VALUES (?)", (name,))
        self._keep_out_of_statistics()

    def purge(self) -> bool:
        """See Engine. The tables with personal values are written anew; the old files go.

        Nobody is kept waiting for longer than two seconds: where somebody reads these tables all that time (a backup), it
        is left. What the write-ahead log holds goes as the server recycles it; archives of it are for whoever keeps them.
        """
        with self._guard("purge"):
            connection = self._live()
            connection.execute("SET lock_timeout = '2s'")
            try:
                for table in _PRIVATE:
                    connection.execute(f"VACUUM (FULL) {table}".encode())
            except LockNotAvailable:
                log.warning("purge_put_off", database=str(self._server))
                return False
            finally:
                if not connection.closed:
                    connection.execute(_WRITER)
        return True

    def another(self) -> "PostgresEngine":
        """See Engine."""
        return PostgresEngine(*self._access)

    def close(self) -> None:
        """See Engine."""
        self._connection.close()

    def _keep_out_of_statistics(self) -> None:
        """The planner would keep samples of personal values for itself (`pg_statistic`)."""
        query = """SELECT a.attname FROM pg_attribute a WHERE a.attrelid = to_regclass(?) AND a.attname = ?
                   AND a.attstattarget IS DISTINCT FROM 0"""
        for table, columns in _PRIVATE.items():
            for column in columns:
                if self.rows(query, (table, column)):
                    self.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")

    def _live(self) -> Connection:
        """The connection; a new one when it was lost, but never in the middle of a transaction."""
        if self._connection.closed and not self._transacting:
            self._connection = self._server.connect(_WRITER)
        return self._connection

    @contextmanager
    def _guard(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (DataError, ProgramLimitExceeded, UnicodeEncodeError) as error:
            self._failed = True
            raise Unstorable(f"cannot {doing} {self._server}: {_first_line(error)}") from error
        except psycopg.Error as error:
            self._failed = True
            raise StoreUnusable(
                f"cannot {doing} {self._server}: {_first_line(error)}; "
                "look whether PostgreSQL runs and lets this user in; gates go on by themselves"
            ) from error


class PostgresLead:
    """The lead among the processes on one database, held by a connection of its own; see Lead.

    A process that stands still for 30 seconds without asking loses it: the server ends its session.
    """

    def __init__(self, dsn: str, password: str | None = None) -> None:
        """Does not connect yet; raises StoreUnusable when the address is not one."""
        self._server = _Server(dsn, password)
        self._connection: Connection | None = None
        self._held = False

    def try_lead(self) -> bool:
        """See Lead."""
        try:
            if self._connection is None:
                self._connection = self._server.connect(_LEADER)
            self._held = self._ask(self._connection)
        except (psycopg.Error, StoreUnusable):
            self.close()
        return self._held

    def close(self) -> None:
        """See Lead."""
        self._held = False
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, connection: Connection) -> bool:
        """Whether the lock is held; taken but once, since a session may hold an advisory lock many times over."""
        if self._held:
            return connection.execute("SELECT 1").fetchone() is not None
        row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (_LOCKS, _LEADING)).fetchone()
        return row == (1,)


@lru_cache(maxsize=1000)
def translated(sql: str) -> bytes:
    """A query with `?` for its values, as psycopg takes it: `%s` for a value, `%%` for a per cent sign."""
    return _MARK.sub(lambda found: "%s" if found[0] == "?" else found[0].replace("%", "%%"), sql).encode()


def unfit(encoding: str, by_code_point: bool, fsync: str, full_page_writes: str) -> str | None:
    """What is wrong with a database as a store, as a sentence that says what to do; None when nothing is."""
    if encoding != "UTF8" or not by_code_point:
        return (
            "its text is not UTF-8 sorted by code point; make it with "
            "CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"
        )
    for name, value in (("fsync", fsync), ("full_page_writes", full_page_writes)):
        if value == "off":
            return f"{name} is off, so a confirmation may be lost; set {name} = on in postgresql.conf"
    return None


class _Server:
    """Where a database is and how it is reached. As text: its name and host, never the password."""

    def __init__(self, dsn: str, password: str | None) -> None:
        try:
            self._address = {**_NETWORK, **conninfo_to_dict(dsn)}
        except psycopg.ProgrammingError:
            raise StoreUnusable("the database's address is none; write postgresql://user@host/name") from None
        if password is not None:
            self._address["password"] = password

    def __str__(self) -> str:
        name = self._address.get("dbname") or self._address.get("user") or "of this user"
        return f"database {name} at {self._address.get('host') or 'the local socket'}"

    def connect(self, settings: str) -> Connection:
        """A connection on which every statement commits by itself; raises psycopg.Error, StoreUnusable when unfit."""
        connection: Connection = psycopg.connect(**self._address, autocommit=True)
        try:
            row = connection.execute(_FITNESS).fetchone()
            wrong = unfit(*row) if row else "it does not answer; look into its log"
            if wrong:
                raise StoreUnusable(f"cannot use {self}: {wrong}")
            connection.execute(_SESSION)
            connection.execute(settings.encode())
        except BaseException:
            connection.close()
            raise
        connection.adapters.register_dumper(bool, _FlagDumper)
        connection.adapters.register_loader("bool", _FlagLoader)
        connection.adapters.register_loader("numeric", _NumberLoader)
        return connection


class _FlagDumper(Dumper):
    """A bool as 0 or 1: the tables know no other truth."""

    oid = types["int4"].oid

    def dump(self, obj: bool) -> Buffer:
        return b"1" if obj else b"0"


class _FlagLoader(Loader):
    """The truth of a comparison as 0 or 1, as SQLite gives it."""

    def load(self, data: Buffer) -> int:
        return int(bytes(data) == b"t")


class _NumberLoader(Loader):
    """The sum of whole numbers as a whole number, an average as a float, as SQLite gives them."""

    def load(self, data: Buffer) -> int | float:
        text = bytes(data).decode()
        return int(text) if text.lstrip("-").isdecimal() else float(text)


def _roll_back(connection: Connection) -> None:
    """Ends a transaction that failed; a connection that cannot even do that is given up, and with it the transaction."""
    if connection.info.transaction_status is TransactionStatus.IDLE:
        return
    try:
        connection.execute("ROLLBACK")
    except psycopg.Error:
        connection.close()


def _first_line(error: Exception) -> str:
    """What happened, without the values that PostgreSQL adds as detail."""
    said = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return said or str(error).strip().partition("\n")[0]
