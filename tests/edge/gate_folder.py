"""A gate's folder as a technician leaves it: configuration, key, officers' file, and what the centre has sent so far."""

from pathlib import Path
from typing import Any

from edge.configuration import GateConfiguration, load
from edge.gate import Gate
from edge.officers import make_verifier
from edge.underway import Underway
from shared.journal import centre_node, journal_id
from shared.node.declarations import Declarations
from shared.node.store import Store
from tests.builders import MORNING, PROCEDURES, SITE, Site, key
from tests.edge.world import Clock, ToldReader

PIN = "246801"
GATE = f"""\
node = "{{node}}"
site = "{SITE}"
data = "data"
key_file = "node.key"
centre_key = "{{centre_key}}"
procedures = "{PROCEDURES}"
officers = "officers.toml"

[screen]
port = 8080
agencies = [{{agencies}}]

[broker]
host = "127.0.0.1"

[[lane]]
name = "lane-1"
place = "{{place}}"
heading = "in"

[[lane.camera]]
name = "front"
url = "rtsp://192.0.2.15/stream1"

[lane.barrier]
host = "192.0.2.115"
open_relay = 1
"""


def gate_file(
    folder: Path,
    node: str = "gate-2",
    place: str = "barrier-2",
    agencies: tuple[str, ...] = ("border_guard", "customs"),
    names: str | None = None,
    fees: str = "",
) -> Path:
    """Writes the folder; gives the configuration file.

    `names`: the file of agencies' names, where it has its own; `fees`: its table of fees.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "node.key").write_text(key(journal_id(node)).text(), encoding="utf-8")
    (folder / "officers.toml").write_text(
        f'[officers.customs-1]\nagency = "customs"\nverifier = "{make_verifier(PIN)}"\n', encoding="utf-8"
    )
    file = folder / "gate.toml"
    centre_key = key(journal_id(centre_node(SITE))).public.text
    quoted = ", ".join(f'"{agency}"' for agency in agencies)
    text = GATE.format(node=node, place=place, agencies=quoted, centre_key=centre_key)
    text = f'agency_names = "{names}"\n{text}' if names else text
    file.write_text(f"{text}\n[fees]\n{fees}\n" if fees else text, encoding="utf-8")
    return file


def configuration(folder: Path, **how: Any) -> GateConfiguration:
    """The folder's configuration, loaded."""
    return load(gate_file(folder, **how))


def gate_in(folder: Path, **how: Any) -> Gate:
    """The gate of a folder, with a clock and a reader that do as they are told."""
    clock = Clock()
    return Gate(configuration(folder, **how), ToldReader(clock), clock)


def hears(store: Store, site: Site, node: str = "gate-2") -> None:
    """Every journal of the site but the node's own arrives."""
    for journal in site.journals.values():
        if journal.name != journal_id(node):
            store.absorb(journal.sealed, journal.signed)


def filled(folder: Path, site: Site) -> None:
    """Leaves a store in a gate's folder as if the gate had run."""
    store = Store(folder / "data" / "facts.db", [Declarations(), Underway()], wall=lambda: MORNING)
    hears(store, site)
    store.close()
