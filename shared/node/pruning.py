"""Retention: what a gate may let go, and letting go of it.

Facts go that the centre held so many days ago and that are not alive any more. What goes lies at the beginning of a journal,
below a head that its author signed, so the rest stays provable; what is alive below it stands in the centre's checkpoint.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from shared.checkpoint import Manifest
from shared.clock import Stamp
from shared.journal import Head
from shared.node.errors import StoreUnusable
from shared.node.store import Store

Live = Collection[tuple[str, int]]
"""Journal and number of the facts that stay."""

CHUNK = 500
"""Facts that go in one transaction: an officer's press does not wait for more."""


@dataclass
class HeldByCentre:
    """How far the centre held every journal, day by day: a small file for each checkpoint's day. Raises StoreUnusable."""

    folder: Path
    keep_days: int
    _known: dict[str, dict[str, Head]] = field(default_factory=dict)

    def note(self, manifest: Manifest) -> None:
        """Takes note of a checkpoint: the first of a day counts for the day."""
        day = manifest.at[:10]
        file = self.folder / f"{day}.json"
        if file.exists():
            return
        heads = {journal: [head.seq, head.hash] for journal, head in manifest.heads.items()}
        beside = file.with_suffix(".new")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps(heads), encoding="utf-8")
            beside.replace(file)
            for old in self._files()[: -2 * self.keep_days]:
                old.unlink()
        except OSError as error:
            raise StoreUnusable(f"cannot write {file}: {error}; free space on its disk") from error

    def before(self, now: datetime) -> Mapping[str, Head]:
        """The heads that the centre held `keep_days` ago or earlier; none when it is not known."""
        limit = f"{now - timedelta(days=self.keep_days):%Y-%m-%d}"
        old = [file for file in self._files() if file.stem <= limit]
        if not old:
            return {}
        try:
            held = json.loads(old[-1].read_text(encoding="utf-8"))
            return {journal: Head(journal, seq, digest) for journal, (seq, digest) in held.items()}
        except (OSError, ValueError):
            return {}

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("????-??-??.json"))


def prune(store: Store, heads: Mapping[str, Head], live: Live) -> Iterator[int]:
    """Lets go of facts up to `heads`, those that are alive left out; a step at a time, each gives how many went.

    Every step is a transaction of its own; stopping in between leaves a good store. Raises StoreUnusable.
    """
    for journal, limit in sorted(heads.items()):
        floor = store.signed_below(journal, limit)
        after = 0
        while floor is not None:
            gone, after = store.let_go(floor, live, after, CHUNK)
            if not after:
                break
            yield gone


def keeps_from(days: int, now: datetime) -> str:
    """The stamp from which on history is wanted."""
    return str(Stamp(now - timedelta(days=days)))
