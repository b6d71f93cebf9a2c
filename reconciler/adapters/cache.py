"""What may be forgotten: parsed files by blob id, and small records of the last run. Makes runs fast, never right.

One append-only file per repo holds what is remembered; one small file each holds a record. A file that is damaged, cut
off or of another version counts as absent. Contents are compressed, as Git's are, so that no value of the repo stands
in a file as text. Several runs may share the directory, and it may be deleted at any time; a directory that cannot be
written to is the same as an empty one.
"""

import contextlib
import fcntl
import os
import struct
import zlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from reconciler.model.objects import BlobId

T = TypeVar("T", bound=msgspec.Struct)

_MAGIC = b"reconciler-cache-2 "
_ENTRY = struct.Struct("<IIB")
"""Length of the content, CRC-32 of id and content, length of the id."""
_LEVEL = 1
"""Of compression: the fastest."""
_WASTE = 4
"""A file is written anew when it is this many times as large as what was last asked of it."""
_SMALL = 1 << 20
"""Bytes of waste that are never worth the effort."""


class Cache:
    """What is remembered for one repo."""

    def __init__(self, directory: Path, repo: str, version: str) -> None:
        """`repo` is a file name for the repo (`Remote.slug`); contents of another `version` are not used."""
        self.directory = directory
        self._records = directory / "runs" / repo
        self._file = directory / "parsed" / f"{repo}.bin"
        self._head = _MAGIC + version.encode() + b"\n"
        self._version = version
        self._asked: dict[BlobId, bytes] = {}
        self._size = 0

    def remember(self, ids: Collection[str]) -> dict[BlobId, bytes]:
        """What was stored under these ids, as far as it is still known."""
        wanted = {name.encode(): BlobId(name) for name in ids}
        found: dict[BlobId, bytes] = {}
        content = _read(self._file)
        if content.startswith(self._head):
            for name, value, _ in _entries(content, len(self._head)):
                if name in wanted:
                    found[wanted[name]] = value
        self._asked, self._size = found, len(content)
        return {name: zlib.decompress(value) for name, value in found.items()}

    def store(self, entries: Mapping[BlobId, bytes]) -> None:
        """Remember more. What was not asked for lately is dropped when it has become most of the file."""
        fresh = {name: zlib.compress(value, _LEVEL) for name, value in entries.items()}
        live = {**self._asked, **fresh}
        needed = sum(map(len, live.values()))
        packed = _packed(fresh)
        with contextlib.suppress(OSError), _locked(self._file):
            if self._size > _SMALL and self._size > _WASTE * needed:
                _replace(self._file, self._head + _packed(live))
            else:
                self._append(packed)

    def record(self, name: str, kind: type[T]) -> T | None:
        """A small record of an earlier run; None when there is none that this version can read."""
        content = _read(self._records / f"{name}.msgpack")
        with contextlib.suppress(msgspec.DecodeError):
            version, value = msgspec.msgpack.decode(content, type=tuple[str, msgspec.Raw])
            if version == self._version:
                return msgspec.msgpack.decode(value, type=kind)
        return None

    def keep(self, name: str, value: msgspec.Struct) -> None:
        """Write a small record, whole or not at all."""
        with contextlib.suppress(OSError):
            _replace(self._records / f"{name}.msgpack", msgspec.msgpack.encode((self._version, value)))

    def _append(self, packed: bytes) -> None:
        content = _read(self._file)
        if not content.startswith(self._head):
            _replace(self._file, self._head + packed)
            return
        good = len(self._head)
        for _, _, end in _entries(content, good):
            good = end
        with self._file.open("r+b") as file:
            file.truncate(good)  # half an entry of a run that was killed
            file.seek(good)
            file.write(packed)


def _packed(entries: Mapping[BlobId, bytes]) -> bytes:
    return b"".join(
        _ENTRY.pack(len(value), zlib.crc32(value, zlib.crc32(name.encode())), len(name)) + name.encode() + value
        for name, value in entries.items()
    )


def _entries(content: bytes, at: int) -> Iterator[tuple[bytes, bytes, int]]:
    """Id, content and end of every entry, up to the first that is damaged."""
    while at + _ENTRY.size <= len(content):
        length, checksum, width = _ENTRY.unpack_from(content, at)
        begin = at + _ENTRY.size + width
        at = begin + length
        name, value = content[begin - width : begin], content[begin:at]
        if len(value) != length or zlib.crc32(value, zlib.crc32(name)) != checksum:
            return
        yield name, value, at


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _make_private(directory: Path) -> None:
    """What is remembered may hold Secrets, so nobody else reads it."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)


def _replace(path: Path, content: bytes) -> None:
    _make_private(path.parent)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.touch(mode=0o600)
    temporary.write_bytes(content)
    temporary.replace(path)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    _make_private(path.parent)
    with path.with_suffix(".lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # held for milliseconds: only reads and writes of one file happen under it
        yield file
