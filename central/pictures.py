"""Thumbnails received from the gates: files named by their SHA-256."""

import hashlib
import os
import re
import threading
from pathlib import Path

from central.errors import BadPicture, NotFound
from shared.node.errors import StoreUnusable

MOST_BYTES = 64 * 1024
"""Gates send at most 12 kB; more room is left for gates of a later version."""

_NAME = re.compile(r"^[0-9a-f]{64}$")
_JPEG = b"\xff\xd8\xff"


class Pictures:
    """A folder of JPEG files, spread over 256 folders by the first two digits of their names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, sha256: str, jpeg: bytes) -> None:
        """Keeps a picture; raises BadPicture when it is too large, no JPEG or not of that hash. May be called again."""
        if len(jpeg) > MOST_BYTES:
            raise BadPicture(f"a picture of {len(jpeg)} bytes is larger than {MOST_BYTES}")
        if not jpeg.startswith(_JPEG):
            raise BadPicture("not a JPEG")
        if hashlib.sha256(jpeg).hexdigest() != sha256:
            raise BadPicture(f"the bytes are not the picture {sha256[:80]!r}")
        path = self._path(sha256)
        if path.exists():
            return
        beside = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(jpeg)
            beside.replace(path)
        except OSError as error:
            raise StoreUnusable(
                f"cannot keep a picture in {self._folder}: {error}; free space there"
            ) from error

    def find(self, sha256: str) -> Path:
        """The file of a picture; raises NotFound."""
        path = self._path(sha256) if _NAME.match(sha256) else None
        if path is None or not path.exists():
            raise NotFound("no such picture is held; it may still be on its way")
        return path

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / f"{sha256}.jpg"
