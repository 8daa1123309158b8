"""Memory of the plate reader alone over many looks at pictures of every size, and the time of a look.

    python -m benchmarks.looking [--looks 20000]

The pictures are drawn: plates of both countries, one and two lines, among other text, in the sizes of photographs and of
cameras. Each look is at a fresh copy, as frames come. What the pictures themselves take is not counted.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.figures import CannotRun, Effort, Figure, percentiles, status_mb
from edge.vision.port import Image, look
from edge.vision.ppocr import PpOcrReader
from simulation.plate_drawing import Country, Ground, Lines, draw_plate

SIZES_PX = (472, 303), (600, 800), (768, 576), (1280, 720), (1584, 1170), (1920, 1080)
PLATES: tuple[tuple[str, Country, Lines, Ground], ...] = (
    ("29C12345", "VN", 1, Ground.YELLOW),
    ("15R01234", "VN", 2, Ground.WHITE),
    ("桂FF0123", "CN", 1, Ground.BLUE),
    ("桂F1234挂", "CN", 2, Ground.YELLOW),
)
WORDS = ("MAX GROSS 30.480 KGS", "22G1", "TARE 2.230", "45G1", "CU CAP 33.2", "2023-04")


def pictures(seed: int = 5) -> Iterator[Image]:
    """Noisy pictures with a plate and between no and four words of other text."""
    rng, noise = random.Random(seed), np.random.default_rng(seed)
    for width, height in SIZES_PX:
        for text, country, lines, ground in PLATES:
            picture = noise.integers(60, 110, (height, width, 3), dtype=np.uint8)
            for _ in range(rng.randrange(5)):
                at = rng.randrange(width // 2), rng.randrange(30, height)
                cv2.putText(
                    picture,
                    rng.choice(WORDS),
                    at,
                    cv2.FONT_HERSHEY_SIMPLEX,
                    rng.uniform(0.4, 1.2),
                    (230,) * 3,
                    2,
                )
            plate = draw_plate(text, country, lines, ground, px_per_mm=rng.uniform(0.2, 0.4))[..., :3]
            high, wide = plate.shape[:2]
            top, left = rng.randrange(height - high), rng.randrange(width - wide)
            picture[top : top + high, left : left + wide] = plate
            yield np.asarray(cv2.GaussianBlur(picture, (3, 3), 0), np.uint8)


def watch(looks: int) -> None:
    """Looks again and again; prints a JSON line at a twentieth, a half and the end."""
    every, reader, look_ms = list(pictures()), PpOcrReader(), []
    pictures_mb = sum(one.nbytes for one in every) / 1e6
    for number in range(1, looks + 1):
        frame = every[number % len(every)].copy()
        began = time.perf_counter()
        look(reader, frame)
        look_ms.append(1000 * (time.perf_counter() - began))
        if number in (looks // 20, looks // 2, looks):
            resident_mb = status_mb(os.getpid(), "VmRSS") - pictures_mb
            said = {"looks": number, "resident_mb": resident_mb, "ms": percentiles(look_ms)}
            print(json.dumps(said), flush=True)
            look_ms.clear()


async def measure(effort: Effort, _folder: Path) -> list[Figure]:
    """Resident memory of a process of its own, its growth over the second half, and the times of a look."""
    command = (sys.executable, "-m", "benchmarks.looking", "--looks", str(effort.looks))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    if process.returncode:
        raise CannotRun(f"the reader ended with {process.returncode}; its words stand above")
    early, half, end = (json.loads(line) for line in said.splitlines())
    return [
        Figure(f"resident after {early['looks']} looks", early["resident_mb"], "MB"),
        Figure(f"resident after {half['looks']} looks", half["resident_mb"], "MB"),
        Figure(f"resident after {end['looks']} looks", end["resident_mb"], "MB"),
        Figure("median of a look", end["ms"][0], "ms"),
        Figure("p95 of a look", end["ms"][1], "ms"),
    ]


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--looks", type=int, default=20_000)
    watch(parser.parse_args().looks)


if __name__ == "__main__":
    main()
