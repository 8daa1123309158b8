"""A node's checkpoints: the centre makes them, every node may keep and hand out the newest, an empty gate begins from one."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from shared import subjects
from shared.bodies import AUTHORITY_KINDS, RULE_KINDS
from shared.checkpoint import Manifest, PartName, RootCertificate, open_part, parts_of
from shared.facts import BadFact, PrivateValue, Sealed
from shared.journal import Head, author_of, centre_node
from shared.node.engine import Engine
from shared.node.errors import StoreUnusable
from shared.node.rows import COLUMNS, fact_of
from shared.node.store import Store
from shared.protocol import WireHead, decode, encode
from shared.signing import PrivateKey

LIVE = timedelta(days=60)
"""A declaration that is older is taken to be abandoned, whatever is missing of it."""
CLOSED = timedelta(days=3)
"""Closed declarations that are younger stay in a checkpoint: a gate has to say that they are used up."""
_MANIFEST = "manifest.json"
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Checkpoints:
    """The newest checkpoint in a folder: `manifest.json` and the parts, files named by their SHA-256. Raises StoreUnusable."""

    def __init__(self, folder: Path) -> None:
        self.folder = self._folder = folder
        self.manifest: Manifest | None = self._kept()

    @property
    def complete(self) -> str | None:
        """The digest of the newest checkpoint when all of its parts are here."""
        return self.manifest.digest if self.manifest and not self.missing() else None

    def missing(self) -> list[PartName]:
        """Parts of the newest checkpoint that are not here."""
        parts = self.manifest.parts if self.manifest else ()
        return [part for part in parts if not self._path(part.sha256).exists()]

    def announce(self, manifest: Manifest) -> bool:
        """Takes note of a manifest whose signature is good. False when it is not newer than the one that is known."""
        if self.manifest is not None and manifest.at <= self.manifest.at:
            return False
        self._write(self._folder / _MANIFEST, encode(manifest))
        self.manifest = manifest
        self._sweep()
        return True

    def take(self, sha256: str, payload: bytes) -> bool:
        """Keeps a part that was asked for; False when it is none of ours."""
        names = {part.sha256 for part in self.manifest.parts} if self.manifest else set()
        if sha256 not in names or hashlib.sha256(payload).hexdigest() != sha256:
            return False
        self._write(self._path(sha256), payload)
        return True

    def part(self, sha256: str) -> bytes | None:
        """The bytes of a part, or None."""
        try:
            return self._path(sha256).read_bytes() if _SHA256.fullmatch(sha256) else None
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnusable(
                f"cannot read {self._folder}: {error}; free space or mend the disk"
            ) from error

    def live(self) -> Iterator[Sealed]:
        """The facts of all parts, which must be here; raises BadFact for a file that is not what it was."""
        for part in self.manifest.parts if self.manifest else ():
            payload = self.part(part.sha256) or b""
            if hashlib.sha256(payload).hexdigest() != part.sha256:
                self._path(part.sha256).unlink(missing_ok=True)
                raise BadFact(
                    f"part {part.sha256[:12]} of the checkpoint is not what it was; it is asked for again"
                )
            yield from open_part(payload)

    def adopt(self, store: Store, node: str) -> int:
        """A node begins from the newest checkpoint: gives how many facts were new. All of its parts must be here.

        Where something of a journal of its own is held the checkpoint does not leap over it: nobody else may hold it.
        """
        assert self.manifest is not None
        heads = {
            journal: head
            for journal, head in self.manifest.all_heads().items()
            if author_of(journal) != node or not store.head(journal).seq
        }
        return len(store.adopt(list(self.live()), heads))

    def make(
        self,
        live: Iterable[Sealed],
        heads: dict[str, Head],
        site: str,
        at: str,
        key: PrivateKey,
        roots: Iterable[RootCertificate] = (),
    ) -> Manifest:
        """Makes a checkpoint of a site: writes its parts and gives the signed manifest, which is kept as the newest."""
        names = []
        for name, payload in parts_of(live):
            self._write(self._path(name.sha256), payload)
            names.append(name)
        manifest = Manifest(
            site=site,
            at=at,
            heads={journal: WireHead(seq=head.seq, hash=head.hash) for journal, head in heads.items()},
            parts=names,
            roots=tuple(roots),
        ).sign(key)
        self.announce(manifest)
        return manifest

    def _kept(self) -> Manifest | None:
        try:
            return decode((self._folder / _MANIFEST).read_bytes(), Manifest)
        except (FileNotFoundError, BadFact):
            return None
        except OSError as error:
            raise StoreUnusable(f"cannot read {self._folder}: {error}; mend the disk") from error

    def _path(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.part"

    def _write(self, path: Path, payload: bytes) -> None:
        beside = path.with_name(f"{path.name}.new")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(payload)
            beside.replace(path)
        except OSError as error:
            raise StoreUnusable(f"cannot write {path}: {error}; free space on its disk") from error

    def _sweep(self) -> None:
        """Parts of older checkpoints go: they may hold personal values that were forgotten since."""
        wanted = {part.sha256 for part in self.manifest.parts} if self.manifest else set()
        for file in self._folder.glob("*.part"):
            if file.stem not in wanted:
                file.unlink(missing_ok=True)


def live_facts(engine: Engine, site: str, now: datetime) -> Iterator[Sealed]:
    """What a checkpoint of a site holds: enrolments, published rules, and all about declarations under way or just closed.

    Of a forked journal its main branch, whose head the manifest names; the others come with the history.
    """
    centre = centre_node(site)
    kinds = sorted(AUTHORITY_KINDS | RULE_KINDS | {"forget"})
    marks = ", ".join("?" * len(kinds))
    where = f"f.branch = 0 AND f.journal >= ? AND f.journal < ? AND f.kind IN ({marks})"
    yield from _sealed(engine, where, (f"{centre}.", f"{centre}/", *kinds))
    wanted = set(_alive(engine, site, now))
    for day in sorted({no[:8] for no in wanted}):
        subject = subjects.declaration(day)
        for one in _sealed(
            engine, "f.branch = 0 AND f.subject >= ? AND f.subject < ?", (subject, f"{subject}:")
        ):
            if subjects.declaration_of(one.fact.subject) in wanted:
                yield one


def _alive(engine: Engine, site: str, now: datetime) -> Iterator[str]:
    rows = engine.rows(
        """SELECT d.no FROM declarations d WHERE d.site = ? AND d.no >= ? AND (d.no >= ? OR (d.recalled = 0 AND EXISTS (
               SELECT 1 FROM vehicles v LEFT JOIN ended e ON e.no = v.no AND e.vehicle = v.vehicle
               WHERE v.no = d.no AND v.role = 'tractor' AND e.no IS NULL)))""",
        (site, f"{now - LIVE:%Y%m%d}", f"{now - CLOSED:%Y%m%d}"),
    )
    return (row[0] for row in rows)


def _sealed(engine: Engine, where: str, values: tuple[Any, ...]) -> Iterator[Sealed]:
    private: dict[tuple[str, int], dict[str, PrivateValue]] = {}
    query = f"""SELECT p.journal, p.seq, p.pointer, p.salt, p.value FROM private_values p
        JOIN facts f ON f.journal = p.journal AND f.seq = p.seq AND f.branch = p.branch
        WHERE f.branch = 0 AND {where}"""
    for journal, seq, pointer, salt, value in engine.rows(query, values):
        private.setdefault((journal, seq), {})[pointer] = PrivateValue(salt, value)
    columns = ", ".join(f"f.{name}" for name in COLUMNS.split(", "))
    query = f"SELECT {columns} FROM facts f WHERE f.branch = 0 AND {where} ORDER BY f.position"
    for row in engine.rows(query, values):
        fact = fact_of(row)
        yield Sealed(fact, private.get((fact.journal, fact.seq), {}))
