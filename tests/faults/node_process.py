"""One node of a site, or the centre with all its sites, as a process of its own that is told what to do line by line.

python -m tests.faults.node_process FOLDER NODE HOST:PORT [HOST:PORT of the fallback]

It takes a JSON object a line from standard input and answers each with one: `write` (node, kind, subject, body), `state`
(every journal's head and the digest of its facts, who is heard), `stop`. A node named `centre` is the centre of all SITES.
"""

import asyncio
import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from shared.facts import Draft
from shared.journal import centre_node, journal_id
from shared.node import link as link_module
from shared.node.link import Link, LinkSettings
from shared.node.store import Store
from shared.node.sync import Identity, SyncNode
from shared.node.used_twice import UsedTwice, findings
from tests.builders import key

SITES = ("CKHN", "TT")
CENTRE = "centre"


def nodes_of(name: str) -> list[tuple[str, str]]:
    """(node, site) of everything that a process speaks for."""
    if name == CENTRE:
        return [(centre_node(site), site) for site in SITES]
    return [(name, next(site for site in SITES if name.startswith(site.lower())))]


def key_of(node: str) -> str:
    """The name of a node's key; the centre has one for all its sites."""
    return CENTRE if node.startswith(f"{CENTRE}-") else node


class NodeProcess:
    """Store, links and syncs of one process."""

    def __init__(self, folder: Path, name: str, settings: LinkSettings) -> None:
        self.store = Store(folder / f"{name}.db", [UsedTwice()])
        self.links: dict[str, Link] = {}
        self.syncs: dict[str, SyncNode] = {}
        for node, site in nodes_of(name):
            link = Link(settings, node)
            identity = Identity(node, site, key(key_of(node)), key(CENTRE).public)
            self.links[node], self.syncs[node] = link, SyncNode(self.store, link, identity)

    async def run(self) -> None:
        """Answers until it is told to stop or its standard input ends."""
        for node, link in self.links.items():
            link.start()
            self.syncs[node].start()
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        doing: Mapping[str, Callable[[Mapping[str, Any]], object]] = {
            "write": self._write,
            "state": self._state,
        }
        while (line := await reader.readline()) and (told := json.loads(line))["do"] != "stop":
            sys.stdout.write(json.dumps(doing[told["do"]](told)) + "\n")
            sys.stdout.flush()
        for node, link in self.links.items():
            await self.syncs[node].stop()
            await link.stop()
        self.store.close()

    def _write(self, told: Mapping[str, Any]) -> object:
        node = told["node"]
        draft = Draft(told["kind"], told["subject"], told["body"])
        (sealed,) = self.store.append(journal_id(node), key(key_of(node)), [draft])
        return {"ref": sealed.fact.ref}

    def _state(self, told: Mapping[str, Any]) -> object:
        del told
        digests: dict[str, Any] = {}
        position = 0
        while page := self.store.since(position):
            position = page[-1][0]
            for _, fact in page:
                digests.setdefault(fact.journal, {})[fact.seq] = fact.hash
        journals = {
            journal: [head.seq, head.hash, _digest(digests.get(journal, {}))]
            for journal, head in self.store.heads().items()
        }
        return {
            "journals": journals,
            "connected": {node: link.connected for node, link in self.links.items()},
            "fallen_back": {node: link.fallen_back for node, link in self.links.items()},
            "hears_centre": {node: sync.hears_centre() for node, sync in self.syncs.items()},
            "used_twice": [
                [one.declaration, [way.ref for way in one.passages]] for one in findings(self.store)
            ],
            "forked": sorted(self.store.forked()),
            "quarantined": [reason for (reason,) in self.store.rows("SELECT reason FROM quarantine")],
        }


def _digest(hashes: Mapping[int, str]) -> str:
    return hashlib.sha256("".join(f"{seq}:{hashes[seq]};" for seq in sorted(hashes)).encode()).hexdigest()


def _settings(addresses: Sequence[str]) -> LinkSettings:
    first, *rest = addresses
    host, port = first.split(":")
    return LinkSettings(host, int(port), fallback=_settings(rest) if rest else None)


if __name__ == "__main__":
    link_module.KNOCK_EVERY_S = 2.0
    node_process = NodeProcess(Path(sys.argv[1]), sys.argv[2], _settings(sys.argv[3:]))
    asyncio.run(node_process.run())
