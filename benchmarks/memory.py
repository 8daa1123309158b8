"""Memory of one process with a live 1080p camera and the plate reader, over many looks, and the time of a look.

    python -m benchmarks.memory [--looks 500] [--url rtsp://…]

Without an address it brings up the simulated RTSP camera with a drawn, noisy 1080p picture.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from benchmarks.figures import percentiles
from edge.capture import Camera, CameraSettings
from edge.vision.port import look
from edge.vision.ppocr import PpOcrReader
from simulation.cameras import CameraFarm
from simulation.plate_drawing import Ground, draw_plate

SIZE_PX = (1920, 1080)


def resident_mb() -> float:
    """Resident memory of this process in MB (1e6 bytes)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


def scene(seed: int = 5) -> np.ndarray:
    """A noisy street with one drawn plate in it: 1920x1080, blue-green-red."""
    noise = np.random.default_rng(seed)
    picture = noise.integers(70, 110, (SIZE_PX[1], SIZE_PX[0], 3)).astype(np.uint8)
    plate = draw_plate("29C12345", "VN", 1, Ground.YELLOW, px_per_mm=0.35)
    picture[800 : 800 + plate.shape[0], 850 : 850 + plate.shape[1]] = plate[..., :3]
    return picture


def write_clip(
    path: Path, pictures: Iterable[np.ndarray], *, group: int = 10, frames_per_s: int = 10, bit_rate: int = 0
) -> None:
    """The pictures as H.264 with a key frame in front of each `group`, as the simulated camera loops them.

    `bit_rate` in bits a second; 0 leaves it to the encoder.
    """
    codec = av.CodecContext.create("libx264", "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = *SIZE_PX, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, frames_per_s), Fraction(frames_per_s)
    if bit_rate:
        codec.bit_rate = bit_rate
    codec.options = {
        "preset": "superfast",
        "tune": "zerolatency",
        "x264-params": f"aud=1:keyint={group}:min-keyint={group}:scenecut=0",
    }
    packets = []
    for number, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        frame.pts = number
        packets += codec.encode(frame)
    path.write_bytes(b"".join(bytes(packet) for packet in [*packets, *codec.encode(None)]))


def measure(url: str, looks: int) -> None:
    """Looks at the newest frame again and again; prints memory and times."""
    print(f"process with its imports: {resident_mb():.0f} MB")
    reader, camera = PpOcrReader(), Camera(CameraSettings("bench", url))
    print(f"with the models: {resident_mb():.0f} MB")
    camera.start()
    while camera.newest() is None:
        time.sleep(0.01)
    texts: set[str] = set()
    look_ms: list[float] = []
    for number in range(1, looks + 1):
        frame = camera.newest()
        assert frame is not None
        began = time.perf_counter()
        texts.update(one.text for one in look(reader, frame.image))
        look_ms.append(1000 * (time.perf_counter() - began))
        if number in (1, looks // 10, looks // 2, looks):
            print(f"after {number} looks: {resident_mb():.0f} MB")
    camera.stop()
    median_ms, p95_ms = percentiles(look_ms)
    print(f"a look, 2 threads: median {median_ms:.0f} ms, p95 {p95_ms:.0f} ms; read {sorted(texts)}")


async def with_simulated_camera(looks: int) -> None:
    """Measures against a real RTSP server on loopback."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "street.h264"
        write_clip(clip, [scene()] * 20)
        farm = CameraFarm()
        urls = await farm.start({"bench": clip})
        try:
            await asyncio.to_thread(measure, urls["bench"], looks)
        finally:
            await farm.stop()


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--looks", type=int, default=500)
    parser.add_argument("--url")
    asked = parser.parse_args()
    if asked.url:
        measure(asked.url, asked.looks)
    else:
        asyncio.run(with_simulated_camera(asked.looks))


if __name__ == "__main__":
    main()
