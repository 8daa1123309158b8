"""A store whose file cannot be used says which, and what to do."""

from pathlib import Path

import pytest

from shared.node.errors import StoreUnusable
from shared.node.store import Store


def test_a_broken_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreUnusable, match=r"store\.db.*call the technician"):
        Store(path)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnusable, match="cannot open"):
        Store(tmp_path / "file" / "store.db")
