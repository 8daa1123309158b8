"""An SQLite database read page by page, without SQLite: what is left of a file that SQLite refuses.

The format is https://www.sqlite.org/fileformat2.html. Every leaf page of a table tells its rows by itself, whatever became of the
pages above it; every frame of a write-ahead log can be checked by itself against the frame before it. What is given here
may be old or wrong: who takes a row has to verify it.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE_BYTES = 4096
MAGIC = b"SQLite format 3\0"
_TABLE_LEAF = 0x0D
_WAL_HEADER, _FRAME_HEADER = 32, 24
_WAL_MAGIC = 0x377F0682
_MOST_COLUMNS = 20

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Frame:
    """One page in a write-ahead log. `good`: its checksum goes on from the frame before; `current`: of the log's last round."""

    page: int
    commits: bool
    good: bool
    current: bool
    data: bytes


@dataclass(frozen=True)
class Wal:
    """A write-ahead log. `sound`: its header is whole; SQLite ignores a log whose header is not."""

    sound: bool
    frames: Sequence[Frame]

    def unreachable(self) -> int:
        """How many whole transactions lie beyond a broken frame, so that SQLite forgets them in silence.

        One commit beyond may be the last transaction before a power cut, which nobody was told of. Two cannot be.
        """
        last = max((at for at, frame in enumerate(self.frames) if frame.current), default=-1)
        live = self.frames[: last + 1]
        broken = next((at for at, one in enumerate(live) if not (one.good and one.current)), len(live))
        commits = sum(frame.commits for frame in live[broken:] if frame.current)
        return commits if commits > 1 else 0


def read_wal(file: Path) -> Wal:
    """The log of a database; sound and empty when there is none. Raises OSError."""
    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        return Wal(True, ())
    if not raw:
        return Wal(True, ())
    header = raw[:_WAL_HEADER].ljust(_WAL_HEADER, b"\0")
    magic, _, page_bytes, _, salts, sums = struct.unpack(">IIII8s8s", header)
    order = ">" if magic & 1 else "<"
    sound = magic | 1 == _WAL_MAGIC | 1 and _checksum(order, header[:24], (0, 0)) == sums
    sound = sound and page_bytes == PAGE_BYTES
    return Wal(sound, list(_frames(raw, order, salts, sums)))


def _frames(raw: bytes, order: str, salts: bytes, sums: bytes) -> Iterator[Frame]:
    size = _FRAME_HEADER + PAGE_BYTES
    for start in range(_WAL_HEADER, len(raw) - size + 1, size):
        header, data = raw[start : start + _FRAME_HEADER], raw[start + _FRAME_HEADER : start + size]
        page, pages, own_salts, own_sums = struct.unpack(">II8s8s", header)
        seed = struct.unpack(">II", sums)
        good = _checksum(order, header[:8] + data, (seed[0], seed[1])) == own_sums
        yield Frame(page, bool(pages), good, own_salts == salts, data)
        sums = own_sums


def _checksum(order: str, data: bytes, seed: tuple[int, int]) -> bytes:
    first, second = seed
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return struct.pack(">II", first, second)


class Pages:
    """The pages of a database file and its log, in every version that is there."""

    def __init__(self, file: Path, wal: Wal) -> None:
        self._file = file
        self._frames = wal.frames
        self._newest = {frame.page: frame.data for frame in wal.frames if frame.good and frame.current}

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Row number and columns of whatever looks like a row of a table, the newest versions last."""
        for frame in self._frames:
            if not frame.current:
                yield from self._leaf(frame.data)
        for data in self._of_file():
            yield from self._leaf(data)
        for frame in self._frames:
            if frame.current:
                yield from self._leaf(frame.data)

    def _of_file(self) -> Iterator[bytes]:
        try:
            with self._file.open("rb") as file:
                while data := file.read(PAGE_BYTES):
                    yield data.ljust(PAGE_BYTES, b"\0")
        except OSError:  # what cannot be read is not there
            return

    def _leaf(self, data: bytes) -> Iterator[tuple[int, Row]]:
        if data[0] != _TABLE_LEAF:
            return
        for number in range(struct.unpack_from(">H", data, 3)[0]):
            at = 8 + 2 * number
            if at + 2 > PAGE_BYTES:
                return
            yield from self._cell(data, struct.unpack_from(">H", data, at)[0])

    def _cell(self, data: bytes, at: int) -> Iterator[tuple[int, Row]]:
        """The row of a cell; two readings where its end lies on a page that is there in two versions."""
        try:
            size, at = _varint(data, at)
            rowid, at = _varint(data, at)
            if size > 1 << 24:
                return
            local = _local(size)
            start = data[at : at + local]
            if local == size:
                yield rowid, _record(start)
                return
            following = struct.unpack_from(">I", data, at + local)[0]
        except (IndexError, ValueError, struct.error):
            return
        for logged in (True, False):
            try:
                yield rowid, _record(start + self._overflow(following, size - local, logged=logged))
            except (IndexError, ValueError, struct.error):
                continue

    def _overflow(self, page: int, wanted: int, *, logged: bool) -> bytes:
        found = b""
        while len(found) < wanted:
            data = self._page(page, logged=logged)
            page = struct.unpack_from(">I", data)[0]
            found += data[4:]
        return found[:wanted]

    def _page(self, page: int, *, logged: bool) -> bytes:
        if logged and page in self._newest:
            return self._newest[page]
        if page < 1:
            raise ValueError("no page")
        try:
            with self._file.open("rb") as file:
                file.seek((page - 1) * PAGE_BYTES)
                data = file.read(PAGE_BYTES)
        except OSError as error:
            raise ValueError("page unreadable") from error
        if len(data) < PAGE_BYTES:
            raise ValueError("page beyond the end")
        return data


def _local(size: int) -> int:
    """How much of a row of that size stands on its leaf page."""
    most = PAGE_BYTES - 35
    if size <= most:
        return size
    least = (PAGE_BYTES - 12) * 32 // 255 - 23
    local = least + (size - least) % (PAGE_BYTES - 4)
    return local if local <= most else least


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for number in range(8):
        byte = data[at + number]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + number + 1
    return value << 8 | data[at + 8], at + 9


def _record(data: bytes) -> Row:
    """The columns of a record; raises ValueError or IndexError when it is none."""
    end, at = _varint(data, 0)
    columns: list[Any] = []
    body = end
    while at < end:
        kind, at = _varint(data, at)
        value, body = _column(data, body, kind)
        columns.append(value)
        if len(columns) > _MOST_COLUMNS:
            raise ValueError("no row of ours has so many columns")
    return tuple(columns)


_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


def _column(data: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind == 0:
        return None, at
    if kind in (8, 9):
        return kind - 8, at
    size = _INTEGERS.get(kind) or (8 if kind == 7 else (kind - 12) // 2 if kind >= 12 else -1)
    raw = data[at : at + size]
    if size < 0 or len(raw) < size:
        raise ValueError("no column")
    if kind in _INTEGERS:
        return int.from_bytes(raw, "big", signed=True), at + size
    if kind == 7:
        return struct.unpack(">d", raw)[0], at + size
    return (raw.decode() if kind % 2 else raw), at + size
