"""What a camera's pictures are usually like: the still background, the view of the beginning, sharpness of each patch."""

from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from edge.capture.picture_measures import PATCHES, SMALL, PictureMeasures, Small

LEARN_LOOKS = 120
"""Looks at good pictures until the view and the sharpness count as known."""

_BACKGROUND_STEP = (
    2.0  # grey levels a look: a passing truck leaves little, a lasting change is in within minutes
)
_SHARPNESS_STEP = 0.002  # binary orders a look, once known: follows the seasons, not the dirt of a day
_LEAST_PATCHES = 4  # so few textured patches say nothing of the lens
_LEAST_RESPONSE = 0.2  # of the phase correlation, at most 1; below, the two pictures are not of one view
_WINDOW = cv2.createHanningWindow(SMALL, cv2.CV_32F)


@dataclass(frozen=True)
class Learned:
    """What is known so far.

    `looks`: good pictures learned from; `background`: the picture without what passes through it; `view`: the background
    when it became known; `sharpness`: usual sharpness of each patch, None where it never was textured.
    """

    looks: int = 0
    background: Small | None = field(default=None, repr=False, compare=False)
    view: Small | None = field(default=None, repr=False, compare=False)
    sharpness: tuple[float | None, ...] = (None,) * PATCHES**2

    @property
    def known(self) -> bool:
        """True once enough was seen to judge by."""
        return self.view is not None


def learn(learned: Learned, measures: PictureMeasures) -> Learned:
    """Learns from one good picture."""
    looks = min(learned.looks + 1, LEARN_LOOKS)
    background = _follow(learned.background, measures.small)
    view = background if learned.view is None and looks == LEARN_LOOKS else learned.view
    share = 1 / looks if looks < LEARN_LOOKS else None
    sharpness = tuple(
        _usual(known, seen, share) for known, seen in zip(learned.sharpness, measures.sharpness, strict=True)
    )
    return replace(learned, looks=looks, background=background, view=view, sharpness=sharpness)


def blurred(learned: Learned, measures: PictureMeasures, softer: float) -> float | None:
    """Share of the textured patches that are by `softer` binary orders softer than usual; None where too little is known.

    A patch that lost its texture altogether counts as soft: that is what a smeared lens does.
    """
    if learned.looks < LEARN_LOOKS:
        return None
    pairs = [
        (known, seen)
        for known, seen in zip(learned.sharpness, measures.sharpness, strict=True)
        if known is not None
    ]
    if len(pairs) < _LEAST_PATCHES:
        return None
    return sum(seen is None or seen <= known - softer for known, seen in pairs) / len(pairs)


def shift_px(learned: Learned) -> float | None:
    """How far the background lies from where it was, in pixels of the small picture; None where that cannot be told."""
    if learned.background is None or learned.view is None:
        return None
    (x, y), response = cv2.phaseCorrelate(_edges(learned.view), _edges(learned.background), _WINDOW)
    return float(np.hypot(x, y)) if response >= _LEAST_RESPONSE else None


def _edges(picture: Small) -> Small:
    """Edges stay where they are when the sun goes round; grey levels do not."""
    across = cv2.Sobel(picture, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(picture, cv2.CV_32F, 0, 1)
    return np.asarray(np.minimum(cv2.magnitude(across, down), 200.0), np.float32)


def _follow(background: Small | None, small: Small) -> Small:
    if background is None:
        return small
    step = np.clip(small - background, -_BACKGROUND_STEP, _BACKGROUND_STEP)
    after = np.asarray(background + step, np.float32)
    after.flags.writeable = False
    return after


def _usual(known: float | None, seen: float | None, share: float | None) -> float | None:
    if known is None or seen is None:
        return seen if known is None else known
    step = (seen - known) * share if share else max(-_SHARPNESS_STEP, min(_SHARPNESS_STEP, seen - known))
    return known + step
