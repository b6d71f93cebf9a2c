"""The files that a person is working on: a work tree, its index, or a plain directory that git does not know.

Ids are git's, computed from the bytes as they lie there, so that what was remembered of a commit serves here too.
Ignored files are left out as git leaves them out. Such a tree can be checked and previewed, never delivered.
"""

import asyncio
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from reconciler.adapters.git.objects import Objects
from reconciler.adapters.git.remote import is_repo
from reconciler.adapters.git.run import Call, Git
from reconciler.model.errors import Refused, ToolFailed, UsageError
from reconciler.model.objects import BlobId
from reconciler.model.tree import Tree

_KEPT = 1 << 20
"""Bytes of a file that is kept in memory between `tree` and `blobs`; larger ones are read again."""


def blob_id(content: bytes) -> BlobId:
    """Git's id of a file with this content."""
    return BlobId(hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest())


class WorkTree:
    """A directory of files."""

    def __init__(self, door: Git, path: Path) -> None:
        self._door = door
        self._path = path
        self._kept: dict[BlobId, bytes] = {}
        self._large: dict[BlobId, Path] = {}

    async def tree(self) -> Tree:
        """All files that are there now, by path from the directory."""
        if not self._path.is_dir():
            raise UsageError("no-directory", f"{self._path} is not a directory")
        listed = await self._door.run(
            Call(["ls-files", "-z", "--cached", "--others", "--exclude-standard"], self._path, in_hook=True)
        )
        names = listed.stdout.split(b"\0")[:-1] if listed.status == 0 else None
        if not names and not is_repo(self._path):  # no repo, or a directory that the repo around it ignores
            names = None
        return await asyncio.to_thread(self._read, names)

    async def blobs(self, ids: Iterable[BlobId]) -> dict[BlobId, bytes]:
        """Contents of files of the last `tree`; Refused when one was changed since."""
        return await asyncio.to_thread(lambda: {blob: self._content(blob) for blob in ids})

    async def close(self) -> None:
        """Forget what was read."""
        self._kept, self._large = {}, {}

    def _read(self, names: list[bytes] | None) -> Tree:
        self._kept, self._large = {}, {}
        files: dict[str, BlobId] = {}
        skipped: dict[str, str] = {}
        for name in sorted(set(names)) if names is not None else sorted(_walk(self._path)):
            try:
                path = name.decode()
            except UnicodeDecodeError:
                skipped[name.decode(errors="backslashreplace")] = "name is not UTF-8"
                continue
            self._read_file(path, files, skipped)
        return Tree(files, None, skipped)

    def _read_file(self, path: str, files: dict[str, BlobId], skipped: dict[str, str]) -> None:
        target = self._path / path
        try:
            mode = target.lstat().st_mode
            if not stat.S_ISREG(mode):
                skipped[path.rstrip("/")] = "symbolic link" if stat.S_ISLNK(mode) else "submodule"
                return
            content = target.read_bytes()
        except (FileNotFoundError, NotADirectoryError):  # removed, but not yet in the index
            return
        except OSError as error:
            skipped[path] = f"cannot be read: {error.strerror}"
            return
        files[path] = blob = blob_id(content)
        if len(content) <= _KEPT:
            self._kept[blob] = content
        else:
            self._large[blob] = target

    def _content(self, blob: BlobId) -> bytes:
        if blob in self._kept:
            return self._kept[blob]
        path = self._large.get(blob)
        content = path.read_bytes() if path and path.is_file() else b""
        if path is None or blob_id(content) != blob:
            raise Refused("changed-meanwhile", f"{path or blob} was changed while it was read", "run again")
        return content


def _walk(top: Path) -> Iterator[bytes]:
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if name != ".git"]
        below = Path(folder).relative_to(top)
        yield from (os.fsencode(below / name) for name in names)


class Index:
    """What is staged for the next commit below a directory of a work tree."""

    def __init__(self, door: Git, path: Path) -> None:
        self._door = door
        self._path = path
        self._objects = Objects(door, path)

    async def tree(self) -> Tree:
        """All staged files, by path from the directory; UsageError while a merge is unfinished."""
        output = await self._door.check(Call(["ls-files", "-z", "--stage"], self._path, in_hook=True))
        files: dict[str, BlobId] = {}
        skipped: dict[str, str] = {}
        for line in output.split(b"\0")[:-1]:
            entry, _, name = line.partition(b"\t")
            mode, blob, stage = entry.decode().split()
            path = name.decode(errors="backslashreplace")
            if stage != "0":
                raise UsageError("unmerged", f"{path} has a conflict that is not resolved", "finish the merge first")
            if mode in ("120000", "160000"):
                skipped[path] = "symbolic link" if mode == "120000" else "submodule"
            else:
                files[path] = BlobId(blob)
        return Tree(files, None, skipped)

    async def blobs(self, ids: Iterable[BlobId]) -> dict[BlobId, bytes]:
        """The contents of staged files, by id."""
        wanted = sorted(set(ids))
        found = await self._objects.get(wanted)
        if None in found:
            raise ToolFailed("git-objects", f"{self._path} lacks the content of a staged file", "git fsck")
        return {blob: content.content for blob, content in zip(wanted, found, strict=True) if content}

    async def close(self) -> None:
        """End the child that reads objects."""
        await self._objects.close()
