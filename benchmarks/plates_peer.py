"""PP-OCRv4 through its own pipeline, run by the Python of an environment of its own (`scripts/peer`).

Paths on standard input, one JSON line a picture in the form of `barie-edge read --json`. Rows are joined and repaired with
the project's own geometry and grammars, so that what is compared is finding and reading, not what is known of plates.
"""

import json
import re
import resource
import sys
import time
from itertools import permutations
from typing import Any

import cv2
from rapidocr_openvino import RapidOCR

from shared.plates import classify, normalise, repair_vietnamese

THREADS = 2
_STACKED = (0.4, 1.9)  # from the middle of one row to the next, in mean row heights
_NOT_TEXT = re.compile(r"[\s·.\-:]")


def plates(rows: list[Any]) -> list[dict[str, Any]]:
    """What of the rows (corners, text, score) is a plate, alone or two stacked; a row stands in one plate only."""
    found: list[dict[str, Any]] = []
    used: set[int] = set()
    groups = [(i, j) for i, j in permutations(range(len(rows)), 2) if _stacked(rows[i][0], rows[j][0])]
    for group in [*((i,) for i in range(len(rows))), *groups]:
        if used & set(group):
            continue
        text = normalise("".join(_NOT_TEXT.sub("", rows[i][1]) for i in group))
        text = repair_vietnamese(text)
        if classify(text) is not None:
            used |= set(group)
            score = min(float(rows[i][2]) for i in group)
            found.append({"text": text, "kind": "plate", "confidence": score, "lines": len(group)})
    return found


def _stacked(top: Any, bottom: Any) -> bool:
    def middle(box: Any) -> tuple[float, float]:
        return sum(p[0] for p in box) / 4, sum(p[1] for p in box) / 4

    heights = [box[3][1] - box[0][1] for box in (top, bottom)]
    widths = [box[1][0] - box[0][0] for box in (top, bottom)]
    (x0, y0), (x1, y1) = middle(top), middle(bottom)
    step = 2 * (y1 - y0) / max(1.0, sum(heights))
    return bool(_STACKED[0] <= step <= _STACKED[1] and abs(x1 - x0) <= 0.3 * max(widths))


def main() -> None:
    """See the module; the last line has the peak memory of the process in MB (1e6 bytes)."""
    reader = RapidOCR(inference_num_threads=THREADS)
    for path in (line.rstrip("\n") for line in sys.stdin):
        began = time.perf_counter()
        rows, _ = reader(cv2.imread(path))
        found = plates(rows or [])
        ms = round(1000 * (time.perf_counter() - began), 1)
        line = {"source": path, "plates": found, "containers": [], "ms": ms}
        print(json.dumps(line, ensure_ascii=False), flush=True)
    print(json.dumps({"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6}))


if __name__ == "__main__":
    main()
