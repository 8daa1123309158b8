"""How a plate looks in its pixels: ground colour and quality."""

from collections.abc import Sequence

import cv2
import numpy as np

from edge.vision.geometry import size_px, tilt_deg
from edge.vision.port import Corners, Image, Quality
from shared.codes import Ground

_ROW_SIZE_PX = (160, 32)
_COLOURED = 90  # saturation (0-255) from which a pixel has a hue
_BURNT_OUT = 250
# Upper ends of the hue bands (OpenCV: 0-179), around the colours of QCVN 08:2024 and GA 36-2018
_HUES = ((8, Ground.RED), (40, Ground.YELLOW), (92, Ground.GREEN), (140, Ground.BLUE), (180, Ground.RED))


def ground_colour(row_bgr: Image) -> Ground:
    """Ground colour of a row of text: the hue of most coloured pixels, else white or black by which the ink is not."""
    hue, saturation, value = cv2.split(cv2.cvtColor(row_bgr, cv2.COLOR_BGR2HSV))
    coloured = hue[(saturation > _COLOURED) & (value > 50)]
    if coloured.size > 0.3 * hue.size:
        typical = int(np.median(coloured))
        return next(ground for upper, ground in _HUES if typical < upper)
    level, _ = cv2.threshold(value, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return Ground.WHITE if float(np.mean(value > level)) >= 0.5 else Ground.BLACK


def quality(crops: Sequence[Image], rows: Sequence[Corners]) -> Quality:
    """Quality of a plate from its straightened rows and their corners in the frame."""
    grey = [cv2.resize(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), _ROW_SIZE_PX) for crop in crops]
    return Quality(
        row_height_px=round(float(np.mean([size_px(row)[1] for row in rows])), 1),
        sharpness=round(float(np.mean([cv2.Laplacian(g, cv2.CV_32F).std() for g in grey])), 1),
        tilt_deg=round(float(np.mean([tilt_deg(row) for row in rows])), 1),
        glare=round(float(np.mean([np.mean(g >= _BURNT_OUT) for g in grey])), 3),
    )
