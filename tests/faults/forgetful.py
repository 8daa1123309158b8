"""A file system that loses power: what was not synced is gone, or is there in part, as on a disk whose cache was lost.

Speaks the kernel's FUSE protocol 7.31 itself (linux/fuse.h), with one folder of files in memory. Every write since a file's
last fsync is kept apart; at the cut each of them survives or not, by a throw of the dice, whole or to a sector's boundary.
"""

import ctypes
import errno
import os
import random
import shutil
import stat
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

DEVICE = Path("/dev/fuse")
SECTOR = 512
_MOST_WRITE = 128 * 1024
_IN = struct.Struct("<IIQQIIII")
_OUT = struct.Struct("<IiQ")
_ROOT = 1
_MNT_DETACH = 2
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class File:
    """A file: what is read, what is on the disk, and the changes between the two (None as data: cut to that length)."""

    number: int
    now: bytearray = field(default_factory=bytearray)
    synced: bytearray = field(default_factory=bytearray)
    unsynced: list[tuple[int, bytes | None]] = field(default_factory=list)

    def write(self, at: int, data: bytes | None) -> None:
        """A change that is not synced yet."""
        _apply(self.now, at, data)
        self.unsynced.append((at, data))

    def sync(self) -> None:
        """All changes are on the disk."""
        self.synced = bytearray(self.now)
        self.unsynced.clear()

    def after_the_cut(self, rng: random.Random) -> bytes:
        """What the disk holds when power is back."""
        left = bytearray(self.synced)
        for at, data in self.unsynced:
            if rng.random() < 0.5:
                sectors = rng.randrange(len(data) // SECTOR + 1) if data and rng.random() < 0.3 else None
                _apply(left, at, data[: sectors * SECTOR] if data and sectors is not None else data)
        return bytes(left)


def _apply(content: bytearray, at: int, data: bytes | None) -> None:
    end = at + len(data or b"")
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if data is None:
        del content[at:]
    else:
        content[at:end] = data


class Folder:
    """Answers the kernel's requests until it is unmounted."""

    def __init__(self, device: int) -> None:
        self._device = device
        self._names: dict[str, int] = {}
        self.files: dict[int, File] = {}
        self._next = _ROOT + 1
        self._answers: dict[int, Callable[[int, bytes], bytes | None]] = {
            1: self._lookup,
            2: lambda *_: None,  # FORGET
            3: lambda node, _: struct.pack("<QII", 0, 0, 0) + self._attributes(node),  # GETATTR
            4: self._set_attributes,
            10: self._unlink,
            14: lambda *_: struct.pack("<QII", 0, 0, 0),  # OPEN
            15: self._read,
            16: self._write,
            17: lambda *_: struct.pack("<QQQQQIIII24x", *[1 << 20] * 5, 4096, 255, 4096, 0),  # STATFS
            18: lambda *_: b"",  # RELEASE
            20: self._fsync,
            25: lambda *_: b"",  # FLUSH
            26: lambda *_: struct.pack(  # INIT
                "<IIIIHHIIHHI28x", 7, 31, 1 << 16, 0, 12, 9, _MOST_WRITE, 1, 0, 0, 0
            ),
            27: lambda *_: struct.pack("<QII", 0, 0, 0),  # OPENDIR
            28: lambda *_: b"",  # READDIR
            29: lambda *_: b"",  # RELEASEDIR
            30: lambda *_: b"",  # FSYNCDIR
            34: lambda *_: b"",  # ACCESS
            35: self._create,
            36: lambda *_: None,  # INTERRUPT
            38: lambda *_: None,  # DESTROY
            42: lambda *_: None,  # BATCH_FORGET
        }

    def serve(self) -> None:
        """Until it is unmounted."""
        while True:
            try:
                request = os.read(self._device, _MOST_WRITE + 4096)
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EINTR, errno.EAGAIN):
                    continue
                return
            _, operation, unique, node, *_ = _IN.unpack_from(request)
            failed, answer = 0, None
            try:
                known = self._answers.get(operation)
                if known is None:
                    failed = errno.ENOSYS
                else:
                    answer = known(node, request[_IN.size :])
                    if answer is None:
                        continue
            except KeyError:
                failed = errno.ENOENT
            data = answer or b""
            with suppress(OSError):  # the asker was killed meanwhile
                os.write(self._device, _OUT.pack(_OUT.size + len(data), -failed, unique) + data)

    def leave(self, to: Path, rng: random.Random) -> None:
        """Writes what is on the disk after the cut."""
        for name, number in self._names.items():
            (to / name).write_bytes(self.files[number].after_the_cut(rng))

    # -- operations; structures of linux/fuse.h

    def _lookup(self, _: int, request: bytes) -> bytes:
        return self._entry(self._names[_name(request)])

    def _create(self, _: int, request: bytes) -> bytes:
        name = _name(request[16:])
        if name not in self._names:
            self._names[name] = self._next
            self.files[self._next] = File(self._next)
            self._next += 1
        return self._entry(self._names[name]) + struct.pack("<QII", 0, 0, 0)

    def _unlink(self, _: int, request: bytes) -> bytes:
        del self._names[_name(request)]
        return b""

    def _read(self, node: int, request: bytes) -> bytes:
        _, at, size = struct.unpack_from("<QQI", request)
        return bytes(self.files[node].now[at : at + size])

    def _write(self, node: int, request: bytes) -> bytes:
        _, at, size = struct.unpack_from("<QQI", request)
        self.files[node].write(at, request[40 : 40 + size])
        return struct.pack("<II", size, 0)

    def _fsync(self, node: int, _: bytes) -> bytes:
        self.files[node].sync()
        return b""

    def _set_attributes(self, node: int, request: bytes) -> bytes:
        valid, _, _, size = struct.unpack_from("<IIQQ", request)
        if valid & 1 << 3:
            file = self.files[node]
            if size < len(file.now):
                file.write(size, None)
            elif size > len(file.now):
                file.write(len(file.now), bytes(size - len(file.now)))
        return struct.pack("<QII", 0, 0, 0) + self._attributes(node)

    def _entry(self, node: int) -> bytes:
        return struct.pack("<QQQQII", node, 0, 0, 0, 0, 0) + self._attributes(node)

    def _attributes(self, node: int) -> bytes:
        folder = node == _ROOT
        size = 0 if folder else len(self.files[node].now)
        mode = stat.S_IFDIR | 0o755 if folder else stat.S_IFREG | 0o644
        return struct.pack(
            "<QQQQQQIIIIIIIIII", node, size, size // 512 + 1, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0
        )


def _name(request: bytes) -> str:
    return request[: request.index(b"\0")].decode()


@contextmanager
def powered(mount: Path, disk: Path, seed: int) -> Iterator[Path]:
    """A folder whose files are those of `disk`; at the end of the block power is cut and `disk` holds what is left."""
    mount.mkdir(exist_ok=True)
    device = os.open(DEVICE, os.O_RDWR)
    try:
        options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
        if _libc.mount(b"forgetful", str(mount).encode(), b"fuse", 0, options):
            raise OSError(ctypes.get_errno(), f"cannot mount on {mount}")
        server = os.fork()
        if server == 0:
            _serve(device, disk, seed)
    finally:
        os.close(device)
    try:
        yield mount
    finally:
        _libc.umount2(str(mount).encode(), _MNT_DETACH)  # the server's next read says so, and that is the cut
        _, status = os.waitpid(server, 0)
    assert status == 0, "the file system has failed"


def _serve(device: int, disk: Path, seed: int) -> None:
    """The server's process; never returns."""

    try:
        folder = Folder(device)
        for number, file in enumerate(sorted(disk.iterdir()), start=2):
            content = bytearray(file.read_bytes())
            folder._names[file.name] = number
            folder.files[number] = File(number, content, bytearray(content))
            folder._next = number + 1
        folder.serve()
        shutil.rmtree(disk)
        disk.mkdir()
        folder.leave(disk, random.Random(seed))
        os._exit(0)
    finally:
        os._exit(1)


def works(folder: Path) -> str | None:
    """Why no such file system can be made here; None when it can."""
    (folder / "disk").mkdir(parents=True, exist_ok=True)
    try:
        with powered(folder / "mount", folder / "disk", 0) as mount:
            (mount / "a").write_bytes(b"b")
            return None if (mount / "a").read_bytes() == b"b" else "what was written is not read"
    except OSError as error:
        return str(error)
