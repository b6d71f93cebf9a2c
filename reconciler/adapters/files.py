"""The door to directories: whole files in and out, each written atomically.

A reader never sees half a file: content goes to a temporary name beside the target, which is then renamed over it.
Text paths and bare system calls, because a fleet has a hundred thousand files and pathlib costs more than reading one.
Paths are relative, with `/`, and are made by `planning.filenames`; what lies outside the root cannot be named.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from reconciler.model.errors import ReconcilerError, Refused

_TEMPORARY = ".reconciler-tmp"
_INSIDE = frozenset({"", ".", ".."})
"""Parts that no path of a file has."""
_CHUNK = 1 << 16


class Directory:
    """One directory that we deliver into. Its root is made by the first write."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._made: set[str] = set()

    def read(self, path: str) -> bytes | None:
        """The content of a file; None when there is none."""
        try:
            return _content(self._target(path))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _failed("read", path, error) from error

    def write(self, path: str, content: bytes) -> None:
        """Put a file in place, whole or not at all."""
        target = self._target(path)
        folder = target.rpartition("/")[0]
        try:
            if folder not in self._made:
                os.makedirs(folder, exist_ok=True)
                self._made.add(folder)
            _put(target + _TEMPORARY, content)
            os.replace(target + _TEMPORARY, target)
        except OSError as error:
            raise _failed("write", path, error) from error

    def delete(self, path: str) -> None:
        """Remove a file, and the directories that it leaves empty. A file that is gone already is no error."""
        target = self._target(path)
        try:
            os.unlink(target)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise _failed("delete", path, error) from error
        folder = target.rpartition("/")[0]
        while folder != self._root:
            try:
                os.rmdir(folder)
            except OSError:
                break
            self._made.discard(folder)
            folder = folder.rpartition("/")[0]

    def _target(self, path: str) -> str:
        if not path or path.startswith("/") or not _INSIDE.isdisjoint(path.split("/")):
            raise ReconcilerError("bad-path", f"{path!r} does not name a file below {self._root}")
        return f"{self._root}/{path}"


def _content(path: str) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = [os.read(handle, _CHUNK)]
        while len(parts[-1]) == _CHUNK:
            parts.append(os.read(handle, _CHUNK))
        return b"".join(parts)
    finally:
        os.close(handle)


def _put(path: str, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(handle, rest) :]
    finally:
        os.close(handle)


def _failed(verb: str, path: str, error: OSError) -> ReconcilerError:
    why = os.strerror(error.errno) if error.errno else str(error)
    return ReconcilerError("directory-failed", f"cannot {verb} {path}: {why}", "check the rights and the free space")


@contextlib.contextmanager
def exclusive(root: Path) -> Iterator[None]:
    """Hold a directory for one run; Refused when another run holds it."""
    root.mkdir(parents=True, exist_ok=True)
    handle = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Refused("directory-in-use", f"another run is delivering into {root}", "wait for it to end") from error
    finally:
        os.close(handle)
