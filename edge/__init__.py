"""The gate: everything that runs on the PC in a booth."""

import os

# Read when OpenCV is first used: a file of 600 bytes may claim 400 megapixels and would take gigabytes.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(64_000_000))
