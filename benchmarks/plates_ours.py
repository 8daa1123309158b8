"""The gate's reader in a process of its own: paths on standard input, the lines of `barie-edge read --json` out; the last
line has the peak memory of the process in MB (1e6 bytes)."""

import json
import resource
import sys

from edge.vision.ppocr import PpOcrReader
from edge.vision.sources import read_sources


def main() -> None:
    """See the module."""
    for line in read_sources((path.rstrip("\n") for path in sys.stdin), PpOcrReader()):
        print(json.dumps(line, ensure_ascii=False), flush=True)
    print(json.dumps({"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6}))


if __name__ == "__main__":
    main()
