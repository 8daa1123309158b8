"""Frames from cameras: one watched worker for each, always the newest frame, health by what arrives."""

from edge.capture.camera import Camera, CameraSettings, Sees
from edge.capture.health import CameraHealth, CameraState
from edge.capture.source import CaptureError, Frame, redacted

__all__ = [
    "Camera",
    "CameraHealth",
    "CameraSettings",
    "CameraState",
    "CaptureError",
    "Frame",
    "Sees",
    "redacted",
]
