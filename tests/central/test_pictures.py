"""Thumbnails: kept under their hash or not at all."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from central.centre import Centre
from central.errors import BadPicture
from central.pictures import MOST_BYTES, Pictures
from shared.node.errors import StoreUnusable

JPEG = b"\xff\xd8\xff\xe0 a small picture"
SHA256 = hashlib.sha256(JPEG).hexdigest()


def test_a_picture_is_served_under_its_hash(ask: Any, centre: Centre) -> None:
    centre.pictures.keep(SHA256, JPEG)
    centre.pictures.keep(SHA256, JPEG)

    answer = ask("GET", f"/pictures/{SHA256}.jpg")

    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "image/jpeg", JPEG)


@pytest.mark.parametrize(
    ("sha256", "jpeg"),
    [
        ("0" * 64, JPEG),
        ("../../../etc/passwd", JPEG),
        (hashlib.sha256(b"GIF89a").hexdigest(), b"GIF89a"),
        (hashlib.sha256(JPEG + bytes(MOST_BYTES)).hexdigest(), JPEG + bytes(MOST_BYTES)),
    ],
    ids=["other hash", "a path", "no JPEG", "too large"],
)
def test_what_is_not_the_picture_it_is_said_to_be_is_refused(
    tmp_path: Path, sha256: str, jpeg: bytes
) -> None:
    with pytest.raises(BadPicture):
        Pictures(tmp_path).keep(sha256, jpeg)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["0" * 64, "..%2F..%2Fcentre"])
def test_a_picture_that_is_not_held_is_not_found(ask: Any, name: str) -> None:
    assert ask("GET", f"/pictures/{name}.jpg").status_code == 404


def test_a_folder_that_cannot_be_written_is_said_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file stands here")

    with pytest.raises(StoreUnusable, match="taken"):
        Pictures(tmp_path / "taken").keep(SHA256, JPEG)
