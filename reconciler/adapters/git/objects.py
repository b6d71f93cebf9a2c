"""Reads git objects through one long-lived `git cat-file --batch` per repo, and trees out of their raw bytes.

Requests are written ahead of the answers, so that thousands of small files cost one exchange. A request that is broken
off ends the child, because the rest of its answers would be taken for those of the next request.
"""

import asyncio
import binascii
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from reconciler.adapters.git.run import Call, Git
from reconciler.adapters.processes import signal_group
from reconciler.model.errors import ToolFailed
from reconciler.model.objects import BlobId, CommitId

if TYPE_CHECKING:
    import git

_AHEAD = 900
"""Requests written before answers are read: at 65 bytes each they fit into a pipe, so that nobody waits for nobody."""

TREE, GITLINK, SYMLINK = 0o040000, 0o160000, 0o120000


class Found(msgspec.Struct, frozen=True):
    """One object."""

    id: str
    kind: str
    content: bytes


class Item(msgspec.Struct, frozen=True):
    """One line of a tree object."""

    mode: int
    name: bytes
    id: str


class Objects:
    """The objects of one repo."""

    def __init__(self, door: Git, repo: Path) -> None:
        self._door = door
        self._repo = repo
        self._lock = asyncio.Lock()
        self._process: git.Git.AutoInterrupt | None = None

    async def get(self, names: Sequence[str]) -> list[Found | None]:
        """Objects by id or ref, None for what is not there. Names hold no white space and are never user text."""
        if not names:
            return []
        async with self._lock:
            request = _Request(self._door, self._repo, self._process, names)
            self._process = None
            answered = asyncio.get_running_loop().run_in_executor(None, request.answer)
            try:
                found = await asyncio.shield(answered)
            except asyncio.CancelledError:
                request.end()
                answered.add_done_callback(lambda future: future.cancelled() or future.exception())
                raise
            self._process = request.process
            return found

    async def close(self) -> None:
        """End the child. The next request starts another."""
        async with self._lock:
            process, self._process = self._process, None
            if process is not None:
                await asyncio.to_thread(_end, process)


def _end(process: "git.Git.AutoInterrupt") -> None:
    child = process.proc
    if child is not None:
        signal_group(child, signal.SIGTERM)
        child.communicate()


class _Request:
    """One exchange with the child (blocking), which another thread may end."""

    def __init__(self, door: Git, repo: Path, process: "git.Git.AutoInterrupt | None", names: Sequence[str]) -> None:
        self._door = door
        self._repo = repo
        self._names = names
        self._lock = threading.Lock()
        self._unwanted = False
        self.process = process

    def end(self) -> None:
        with self._lock:
            self._unwanted = True
            if self.process is not None and self.process.proc is not None:
                signal_group(self.process.proc, signal.SIGKILL)

    def answer(self) -> list[Found | None]:
        with self._lock:
            if self._unwanted:
                return []
            if self.process is None or self.process.poll() is not None:
                self.process = self._door.start(Call(["cat-file", "--batch"], self._repo), stdin=True)
        try:
            return list(self._exchange(self.process))
        except (BrokenPipeError, EOFError, ValueError) as error:
            _end(self.process)
            self.process = None
            raise ToolFailed("git-objects", f"git cat-file ended early in {self._repo.name}", "run again") from error

    def _exchange(self, process: "git.Git.AutoInterrupt") -> Iterator[Found | None]:
        for start in range(0, len(self._names), _AHEAD):
            ahead = self._names[start : start + _AHEAD]
            process.stdin.write("".join(f"{name}\n" for name in ahead).encode())
            process.stdin.flush()
            for _ in ahead:
                yield _read(process)


def _read(process: "git.Git.AutoInterrupt") -> Found | None:
    header = process.stdout.readline().split()
    if not header:
        raise EOFError
    if len(header) != 3:
        return None
    size = int(header[2])
    content = process.stdout.read(size + 1)
    if len(content) != size + 1:
        raise EOFError
    return Found(header[0].decode(), header[1].decode(), content[:-1])


def items_of(tree: Found) -> Iterator[Item]:
    """The lines of a tree object, in its order."""
    content, at, width = tree.content, 0, len(tree.id) // 2
    while at < len(content):
        space = content.index(b" ", at)
        end = content.index(b"\0", space)
        id_end = end + 1 + width
        yield Item(
            int(content[at:space], 8), content[space + 1 : end], binascii.hexlify(content[end + 1 : id_end]).decode()
        )
        at = id_end


class Listing(msgspec.Struct, frozen=True):
    """All files below a tree, and what is there besides files."""

    files: Mapping[str, BlobId]
    skipped: Mapping[str, str]


async def list_files(objects: Objects, root: str) -> Listing:
    """All files below a tree, by path from it, in order of path; level by level, each in one exchange."""
    files: dict[str, BlobId] = {}
    skipped: dict[str, str] = {}
    level = {"": root}
    while level:
        below: dict[str, str] = {}
        for (prefix, name), tree in zip(level.items(), await objects.get(list(level.values())), strict=True):
            if tree is None or tree.kind != "tree":
                raise ToolFailed("git-objects", f"tree {name} is missing", "delete the cache directory")
            for item in items_of(tree):
                _sort_in(item, prefix, files, skipped, below)
        level = below
    return Listing(dict(sorted(files.items())), dict(sorted(skipped.items())))


def _sort_in(item: Item, prefix: str, files: dict[str, BlobId], skipped: dict[str, str], below: dict[str, str]) -> None:
    try:
        path = prefix + item.name.decode()
    except UnicodeDecodeError:
        skipped[prefix + item.name.decode(errors="backslashreplace")] = "name is not UTF-8"
        return
    if item.mode == TREE:
        below[f"{path}/"] = item.id
    elif item.mode == SYMLINK:
        skipped[path] = "symbolic link"
    elif item.mode == GITLINK:
        skipped[path] = "submodule"
    else:
        files[path] = BlobId(item.id)


async def tree_at(objects: Objects, commit: CommitId, path: str) -> str | None:
    """The id of the tree at a path of a commit; None where there is no directory. The path is never git syntax."""
    (tree,) = await objects.get([f"{commit}^{{tree}}"])
    for part in [part for part in path.split("/") if part not in ("", ".")]:
        if tree is None:
            return None
        entry = next((i for i in items_of(tree) if i.mode == TREE and i.name == part.encode()), None)
        tree = (await objects.get([entry.id]))[0] if entry else None
    return tree.id if tree else None


async def straight_line(objects: Objects, old: CommitId, new: CommitId, most: int) -> list[bytes] | None:
    """The messages of the commits after `old` up to `new`, newest first.

    None where there are merges or more than `most` commits between them, or where `new` does not descend from `old`.
    """
    messages: list[bytes] = []
    at = str(new)
    while at != old and len(messages) < most:
        (commit,) = await objects.get([at])
        if commit is None or commit.kind != "commit":
            return None
        header, _, message = commit.content.partition(b"\n\n")
        parents = [line for line in header.split(b"\n") if line.startswith(b"parent ")]
        if len(parents) != 1:
            return None
        messages.append(message)
        at = parents[0].removeprefix(b"parent ").decode()
    return messages if at == old else None
