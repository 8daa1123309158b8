"""Which plate reader a configuration asks for: its values, what is missing for it, and the reader itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from edge.vision.port import PlateReader, VisionError

if TYPE_CHECKING:
    from edge.vision.networks import Networks

ENVIRONMENT = Path(__file__).parents[2] / ".venv-paddle"
"""What scripts/paddle makes."""
OPENVINO_FILES = "det.xml", "rec.xml"
"""Detection and recognition, as scripts/export-model writes them; each has a .bin beside it."""
PADDLE_FILES = tuple(f"{part}/inference.{end}" for part in ("det", "rec") for end in ("yml", "pdiparams"))


class Backend(StrEnum):
    """What runs the two networks of the reader."""

    OPENVINO = "openvino"
    PADDLEOCR = "paddleocr"


@dataclass(frozen=True)
class ReaderSettings:
    """The plate reader of a gate.

    `models` is a folder; without it OpenVINO takes the models that scripts/setup puts in place. PaddleOCR always needs one, with
    the folders `det` and `rec`. `environment` is the Python environment of PaddleOCR.
    """

    backend: Backend = Backend.OPENVINO
    models: Path | None = None
    environment: Path = ENVIRONMENT
    threads: int = 2


class ReaderIncomplete(VisionError):
    """Models or the environment of the reader that was asked for are not there."""


def missing(settings: ReaderSettings) -> Iterator[tuple[str, str]]:
    """What the reader lacks: the name of the setting, and what to do."""
    if settings.backend is Backend.OPENVINO:
        yield from _missing_models(
            settings.models, OPENVINO_FILES, "scripts/export-model writes such a folder"
        )
        return
    python = _python(settings.environment)
    if not python.is_file():
        told = f"{python} is not there; run scripts/paddle, or name an environment that has PaddleOCR"
        yield "environment", told
    if settings.models is None:
        yield "models", "paddleocr has no models of its own; name a folder with det and rec"
    yield from _missing_models(settings.models, PADDLE_FILES, "export the model with PaddleOCR 3")


def open_reader(settings: ReaderSettings) -> PlateReader:
    """The reader, its models loaded. Raises `VisionError`."""
    from edge.vision.ppocr import PpOcrReader, PpOcrSettings  # late: to check a file needs no network

    lacks = [f"{key}: {told}" for key, told in missing(settings)]
    if lacks:
        raise ReaderIncomplete("\n".join(lacks))
    reading = PpOcrSettings(threads=settings.threads)
    return PpOcrReader(reading, networks=_networks(settings, reading.finder.shapes_px))


def _networks(settings: ReaderSettings, shapes_px: tuple[tuple[int, int], ...]) -> "Networks | None":
    """What runs the networks; None for the shipped ones."""
    if settings.models is None:
        return None
    if settings.backend is Backend.PADDLEOCR:
        from edge.vision.paddle import PaddleNetworks, PaddleSettings

        return PaddleNetworks(
            PaddleSettings(_python(settings.environment), settings.models, settings.threads)
        )
    from edge.vision.networks import OpenVinoNetworks

    return OpenVinoNetworks(settings.models, shapes_px, settings.threads, OPENVINO_FILES)


def _missing_models(models: Path | None, files: tuple[str, ...], advice: str) -> Iterator[tuple[str, str]]:
    for file in files:
        if models is not None and not (models / file).is_file():
            yield "models", f"{models / file} is not there; {advice}"


def _python(environment: Path) -> Path:
    return environment / "bin" / "python"
