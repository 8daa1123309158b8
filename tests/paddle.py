"""Where scripts/paddle puts PaddleOCR and its example models, and the mark of tests that need them."""

import pytest

from edge.vision.backends import ENVIRONMENT

PYTHON = ENVIRONMENT / "bin" / "python"
MODELS = ENVIRONMENT / "share" / "barie" / "models"
needs_paddleocr = pytest.mark.skipif(
    not PYTHON.is_file() or not (MODELS / "rec" / "inference.yml").is_file(),
    reason="PaddleOCR is not installed here: scripts/paddle makes .venv-paddle",
)
