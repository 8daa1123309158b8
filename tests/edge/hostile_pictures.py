"""Pictures and clips that nobody means well: cut, changed, spliced, of false sizes, under false names."""

import io
import struct
import zlib
from fractions import Fraction
from pathlib import Path
from random import Random

import av
import cv2
import numpy as np
from PIL import Image

PICTURE_NAMES = ("jpg", "jpeg", "png", "bmp", "webp", "tif", "tiff")
CLIP_NAMES = ("avi", "mp4", "mkv", "mov", "ts", "h264", "webm")
MAGIC = (
    b"\xff\xd8\xff\xe0", b"\xff\xd8\xff\xe1", b"\x89PNG\r\n\x1a\n", b"BM", b"RIFF\0\1\0\0WEBPVP8 ", b"RIFF\0\1\0\0WEBPVP8L",
    b"RIFF\0\1\0\0WEBPVP8X", b"II*\0", b"MM\0*", b"II+\0", b"GIF89a", b"P1\n", b"P4\n", b"P6\n", b"P7\n", b"Pf\n",
    b"\x59\xa6\x6a\x95", b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51", b"#?RADIANCE\n", b"v/1\1",
    b"\0\0\0\x1cftypavif", b"\0\0\0\x1cftypheic", b"DICM", b"%PDF-1.4", b"\x1f\x8b\x08", b"PK\3\4", b"",
)  # fmt: skip
CLIP_MAGIC = (
    b"RIFF\0\1\0\0AVI LIST", b"\0\0\0\x18ftypmp42", b"\x1a\x45\xdf\xa3", b"\x47\x40\0\x10", b"\0\0\0\1\x67\x42\0\x1e",
    b"FLV\1\5", b"OggS\0\2", b"\0\0\1\xba", b"#EXTM3U\n", b"ffconcat version 1.0\n", b"v=0\r\n", b"<MPD>", b"",
)  # fmt: skip
_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
SIZE_PX = (48, 32)


def noise(height: int, width: int, channels: int = 3, *, deep: bool = False, seed: int = 1) -> np.ndarray:
    """A picture of noise: height x width x channels, 8 or 16 bits."""
    values = np.random.default_rng(seed).integers(0, 65536 if deep else 256, (height, width, channels))
    return values.astype(np.uint16 if deep else np.uint8)


def coded(name: str, picture: np.ndarray) -> bytes:
    good, data = cv2.imencode(f".{name}", picture)
    assert good, name
    return data.tobytes()


def still_pictures() -> dict[str, bytes]:
    """Small pictures, each of its own make, that the reader can look at."""
    width, height = SIZE_PX
    made = {
        f"{name} {how}": coded(name, picture)
        for name in ("jpg", "png", "bmp", "webp", "tif")
        for how, picture in (
            ("colour", noise(height, width)),
            ("one pixel", noise(1, 1)),
            ("grey", noise(height, width, 1)),
            ("four channels", noise(height, width, 4)),
        )
    }
    for name in ("png", "tif"):
        made[f"{name} deep"] = coded(name, noise(height, width, deep=True))
    for name in ("ppm", "pgm", "jp2", "ras", "gif", "hdr"):
        if cv2.haveImageWriter(f".{name}"):
            made[name] = coded(name, noise(height, width, 1 if name == "pgm" else 3))
    return made | _by_pillow()


def _by_pillow() -> dict[str, bytes]:
    frames = [Image.fromarray(noise(SIZE_PX[1], SIZE_PX[0], seed=seed)) for seed in (1, 2, 3)]
    made = {}
    for name in ("gif", "png", "webp", "tiff"):
        file = io.BytesIO()
        frames[0].save(file, name, save_all=True, append_images=frames[1:])
        made[f"{name} animated"] = file.getvalue()
    for mode, name in (("P", "png"), ("1", "png"), ("CMYK", "jpeg"), ("1", "tiff"), ("LA", "png")):
        file = io.BytesIO()
        frames[0].convert(mode).save(file, name)
        made[f"{name} {mode}"] = file.getvalue()
    file = io.BytesIO()
    frames[0].save(
        file, "jpeg", progressive=True, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0"
    )
    made["jpeg progressive, turned"] = file.getvalue()
    return made


def clips(folder: Path) -> dict[str, bytes]:
    """Short clips, each of its own make, that the reader can look at."""
    made = {}
    for name, codec in (
        ("avi", "mjpeg"), ("mp4", "libx264"), ("mkv", "libx264"), ("mpegts", "libx264"), ("h264", "libx264"),
    ):  # fmt: skip
        path = folder / f"made.{name}"
        with av.open(str(path), "w", format={"mkv": "matroska"}.get(name, name)) as out:
            stream = out.add_stream(codec, rate=Fraction(10))
            stream.width, stream.height = SIZE_PX
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            for seed in range(6):
                picture = noise(SIZE_PX[1], SIZE_PX[0], seed=seed)
                out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
            out.mux(stream.encode())
        made[name] = path.read_bytes()
        path.unlink()
    return made


def png(
    width: int, height: int, *, depth: int = 8, colours: int = 2, data: bytes = b"", more: bytes = b""
) -> bytes:
    """A PNG whose check sums are right, whatever it claims."""
    head = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0)
    body = _chunk(b"IHDR", head) + more + _chunk(b"IDAT", zlib.compress(data)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def bmp(width: int, height: int, *, bits: int = 24, compression: int = 0, data: bytes = b"") -> bytes:
    """A BMP of 32-bit sizes, whatever it claims."""
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + head + data


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def mutated(data: bytes, others: list[bytes], random: Random) -> bytes:
    """The data as a bad disk, a lost connection or a bad man would hand it over."""
    return random.choice((_cut, _flipped, _extreme, _spliced, _repeated))(data, others, random)


def made_up(magic: tuple[bytes, ...], random: Random) -> bytes:
    """The first bytes of a format and then anything."""
    return random.choice(magic) + random.randbytes(random.choice((0, 1, 16, 64, 512, 4096)))


def false_picture(random: Random) -> bytes:
    """A PNG or BMP with right sums and false claims; sizes small enough to be taken seriously, or far too large."""
    width, height = (random.choice((0, 1, 7, 64, 500, 60_000, 2**31 - 1)) for _ in range(2))
    data = random.randbytes(random.choice((0, 9, 300, 3000)))
    if random.random() < 0.5:
        depth, colours = random.choice((0, 1, 2, 4, 8, 16, 99)), random.randrange(8)
        name = random.choice((b"PLTE", b"tRNS", b"acTL", b"fcTL", b"iCCP", b"eXIf", b"gAMA", b"zTXt"))
        return png(
            width, height, depth=depth, colours=colours, data=data, more=_chunk(name, random.randbytes(26))
        )
    bits, compression = random.choice((0, 1, 4, 8, 16, 24, 32, 99)), random.randrange(5)
    return bmp(width, random.choice((1, -1)) * height, bits=bits, compression=compression, data=data)


def _cut(data: bytes, _others: list[bytes], random: Random) -> bytes:
    return data[: random.randrange(len(data) + 1)]


def _flipped(data: bytes, _others: list[bytes], random: Random) -> bytes:
    changed = bytearray(data)
    within = random.choice((64, len(data)))
    for _ in range(random.choice((1, 1, 2, 8, 40))):
        changed[random.randrange(min(within, len(data)))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _extreme(data: bytes, _others: list[bytes], random: Random) -> bytes:
    at, bytes_long = random.randrange(len(data)), random.choice((1, 2, 4))
    value = random.choice(_EXTREMES) & (256**bytes_long - 1)
    return data[:at] + value.to_bytes(bytes_long, random.choice(("big", "little"))) + data[at + bytes_long :]


def _spliced(data: bytes, others: list[bytes], random: Random) -> bytes:
    other = random.choice(others)
    return data[: random.randrange(len(data) + 1)] + other[random.randrange(len(other) + 1) :]


def _repeated(data: bytes, _others: list[bytes], random: Random) -> bytes:
    start = random.randrange(len(data))
    piece = data[start : start + random.randrange(1, 200)]
    return data[:start] + piece * random.choice((0, 2, 50)) + data[start + len(piece) :]
