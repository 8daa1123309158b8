"""The store's tables, version by version. Each migration commits together with the record that it ran."""

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

migrations = Migrations("barie")


@migrations(name="0001_facts")
def facts(database: Database) -> None:
    """Facts with their signed heads, personal values apart, and what could not be taken."""
    table = database.table("facts")
    table.create(
        {
            "position": int,
            "v": int,
            "journal": str,
            "seq": int,
            "at": str,
            "kind": str,
            "subject": str,
            "body": str,
            "prev": str,
            "hash": str,
            "flaw": str,
        },
        pk="position",
        not_null={"v", "journal", "seq", "at", "kind", "subject", "body", "prev", "hash"},
    )
    table.create_index(["journal", "seq"], unique=True)
    table.create_index(["subject"])
    table.create_index(["kind"])
    table.create_index(["at"])
    signatures = {"journal": str, "seq": int, "hash": str, "signature": str}
    database.table("signatures").create(signatures, pk=("journal", "seq"))
    private = {"journal": str, "seq": int, "pointer": str, "salt": str, "value": str}
    database.table("private_values").create(private, pk=("journal", "seq", "pointer"))
    quarantine = {"id": int, "at": str, "source": str, "payload": bytes, "reason": str}
    database.table("quarantine").create(quarantine, pk="id")
    database.table("node").create({"name": str, "value": str}, pk="name")
