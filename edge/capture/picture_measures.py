"""What one picture tells of the camera that took it, whatever stands in front of that camera."""

import hashlib
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture.source import Image

SMALL = (160, 90)  # width and height of the small grey picture
PATCHES = 4  # patches along each side in which sharpness is measured

_BLOCK_PX = 10  # side of a block of the small picture; it divides both sides of SMALL
_PATCH_PX = 128
_FLAT = 3.0  # grey levels; a block that spreads less has no detail, only noise
_BURNT, _BLACK = 250, 24  # grey levels from which on a sensor shows nothing more
_LEAST_SPREAD = 25.0  # variance of a patch that has something to be sharp about
_SAMPLES = 64 * 1024  # native pixels that go into the fingerprint

Small = NDArray[np.float32]


@dataclass(frozen=True)
class PictureMeasures:
    """Measures of one picture.

    `level`: mean grey level, 0 to 255; `burnt`, `black`, `flat`: shares (0 to 1) of burnt-out pixels, of black pixels and of
    blocks without detail; `sharpness`: for each of 4 x 4 patches at native scale the binary logarithm of its edge energy
    over its contrast, None where a patch has nothing to be sharp about; `fingerprint`: equal only where the pixels are;
    `small`: the small grey picture, read-only.
    """

    level: float
    burnt: float
    black: float
    flat: float
    sharpness: tuple[float | None, ...]
    fingerprint: bytes
    small: Small = field(repr=False, compare=False)


def measure(image: Image) -> PictureMeasures | None:
    """Measures a picture, height x width x 3; None for one without pixels or of another form. Never raises for a picture."""
    if image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        return None
    small = cv2.cvtColor(cv2.resize(image, SMALL, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    kept = small.astype(np.float32)
    kept.flags.writeable = False
    return PictureMeasures(
        level=float(small.mean()),
        burnt=float(np.mean(small >= _BURNT)),
        black=float(np.mean(small <= _BLACK)),
        flat=_flat_share(kept),
        sharpness=_sharpness(image),
        fingerprint=_fingerprint(image),
        small=kept,
    )


def _flat_share(small: Small) -> float:
    """Blocks, not the whole: an overlaid clock is no picture, and a hand before the lens shades from side to side."""
    width, height = SMALL
    detail = small - cv2.GaussianBlur(small, (0, 0), _BLOCK_PX / 2)
    blocks = detail.reshape(height // _BLOCK_PX, _BLOCK_PX, width // _BLOCK_PX, _BLOCK_PX)
    return float(np.mean(blocks.std(axis=(1, 3)) < _FLAT))


def _sharpness(image: Image) -> tuple[float | None, ...]:
    height, width = image.shape[:2]
    return tuple(
        _patch_sharpness(_patch(image, height * row // PATCHES, width * column // PATCHES))
        for row in range(PATCHES)
        for column in range(PATCHES)
    )


def _patch(image: Image, top: int, left: int) -> Image:
    """The middle of a tile at native scale; a tile is a quarter of the picture high and wide."""
    height, width = (max(1, side // PATCHES) for side in image.shape[:2])
    top += max(0, height - _PATCH_PX) // 2
    left += max(0, width - _PATCH_PX) // 2
    return image[top : top + min(height, _PATCH_PX), left : left + min(width, _PATCH_PX)]


def _patch_sharpness(patch: Image) -> float | None:
    # a little smoothing first: the sensor's noise stays as sharp as ever behind a dirty lens
    grey = cv2.GaussianBlur(cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY), (3, 3), 0)
    spread = float(grey.var())
    if spread < _LEAST_SPREAD:
        return None
    energy = float(cv2.Laplacian(grey, cv2.CV_32F).var())
    return float(np.log2((energy + 1e-3) / spread))


def _fingerprint(image: Image) -> bytes:
    """Of native pixels: averaging would take the noise away that tells a living sensor from a frozen one."""
    pixels = image.reshape(-1, 3)
    taken = pixels[:: max(1, len(pixels) // _SAMPLES)]
    return hashlib.blake2b(np.ascontiguousarray(taken).tobytes(), digest_size=16).digest()
