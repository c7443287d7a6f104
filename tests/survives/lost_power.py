"""A disk that forgets what was not synced: a VFS for tests of lost power.

Writes reach the real file, and what they replaced is kept until the file is synced. `lose` puts it back, in whole or
(as real disks do) for some of the unsynced writes only.
"""

import random
from pathlib import Path
from typing import Any

import apsw


class Power:
    """The unsynced writes of every file opened through its VFS."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.undo: dict[str, list[tuple[int, bytes, int]]] = {}
        self.syncs = 0
        self.full = False
        self.vfs = _Vfs(self)

    def lose(self, rng: random.Random) -> int:
        """Cut the power: unsynced writes are gone, or some of them are; how many were unsynced."""
        lost = 0
        for path, writes in self.undo.items():
            if not Path(path).exists():
                continue
            lost += len(writes)
            survivors = {i for i in range(len(writes)) if rng.random() < 0.3}
            with Path(path).open("r+b") as file:
                kept = [(at, self._read(path, at, len(old))) for i, (at, old, _) in enumerate(writes) if i in survivors]
                for at, old, size in reversed(writes):
                    file.seek(at)
                    file.write(old)
                    file.truncate(max(size, 0))
                for at, new in kept:  # a disk may have written some of it, in any order
                    file.seek(at)
                    file.write(new)
        self.undo.clear()
        return lost

    @staticmethod
    def _read(path: str, at: int, size: int) -> bytes:
        with Path(path).open("rb") as file:
            file.seek(at)
            return file.read(size)

    def sync(self, path: str) -> None:
        """Bring a file to the disk, as the store asks for it beside SQLite."""
        self.syncs += 1
        self.undo.pop(path, None)

    def close(self) -> None:
        # The cipher made a VFS of its own over this one, and would go on calling it.
        above = f"multipleciphers-{self.name}"
        if above in apsw.vfs_names():
            apsw.unregister_vfs(above)
        self.vfs.unregister()


class _Vfs(apsw.VFS):
    def __init__(self, power: Power) -> None:
        self.power = power
        # Not over the standard VFS, which is the cipher's: this is a disk, and sees what a disk sees. A sealed store is
        # opened through `multipleciphers-<name>`, which SQLite3 Multiple Ciphers then makes above this one.
        super().__init__(power.name, base="unix")

    def xOpen(self, name: Any, flags: Any) -> Any:
        return _File(self.power, name, flags)


class _File(apsw.VFSFile):
    def __init__(self, power: Power, name: Any, flags: Any) -> None:
        self.power = power
        self.path = name.filename() if isinstance(name, apsw.URIFilename) else name
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        if self.power.full:
            raise apsw.FullError("no space left on this device")
        if self.path:
            size = super().xFileSize()
            old = super().xRead(min(len(data), max(0, size - offset)), offset) if offset < size else b""
            self.power.undo.setdefault(self.path, []).append((offset, bytes(old).ljust(len(data), b"\0"), size))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:
        if self.path:
            before = super().xFileSize()
            if size < before:
                old = super().xRead(before - size, size)
                self.power.undo.setdefault(self.path, []).append((size, bytes(old), before))
        super().xTruncate(size)

    def xSync(self, flags: int) -> bool:
        self.power.syncs += 1
        self.power.undo.pop(self.path, None)
        return super().xSync(flags)
