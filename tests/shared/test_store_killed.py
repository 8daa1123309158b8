"""A killed gate: what an officer saw accepted is on disk (architecture, "What must never happen", 2)."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from shared.journal import Head, follow
from shared.node.store import Store

ROOT = Path(__file__).parents[2]
MINE = "gate-1.1"

WRITER = """
import sys
from pathlib import Path
from shared.node.store import Store
from tests.builders import key, note
store = Store(Path(sys.argv[1]))
while True:
    sealed = store.append("gate-1.1", key("gate-1.1"), [note("a"), note("b"), note("c")])
    print(sealed[-1].fact.seq, sealed[-1].fact.hash, flush=True)
"""


def test_killed_in_the_middle_of_writing_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            acknowledged = [writer.stdout.readline() for _ in range(25)]
            os.kill(writer.pid, signal.SIGKILL)
            acknowledged += writer.stdout.readlines()
        seq, digest = [line for line in acknowledged if line.endswith("\n")][-1].split()
        store = Store(path)
        held = store.get(f"{MINE}/{seq}")
        assert held is not None
        assert held.hash == digest
        assert store.head(MINE).seq % 3 == 0, "a call's facts are there together or not at all"
        assert follow(Head.empty(MINE), [fact for _, fact in store.since(0, most=10_000)]) == store.head(MINE)
        store.close()
