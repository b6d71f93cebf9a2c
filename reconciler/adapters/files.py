"""The door to directories: whole files in and out, each written atomically.

A reader never sees half a file: content goes to a temporary name beside the target, which is then renamed over it.
Paths are relative, with `/`, and are made by `planning.filenames`; what lies outside the root cannot be named.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from reconciler.model.errors import ReconcilerError, Refused

_TEMPORARY = ".reconciler-tmp"


class Directory:
    """One directory that we deliver into. Its root is made by the first write."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._made: set[Path] = set()

    def read(self, path: str) -> bytes | None:
        """The content of a file; None when there is none."""
        try:
            return self._target(path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _failed("read", path, error) from error

    def write(self, path: str, content: bytes) -> None:
        """Put a file in place, whole or not at all."""
        target = self._target(path)
        temporary = target.with_name(target.name + _TEMPORARY)
        try:
            if target.parent not in self._made:
                target.parent.mkdir(parents=True, exist_ok=True)
                self._made.add(target.parent)
            temporary.write_bytes(content)
            temporary.replace(target)
        except OSError as error:
            raise _failed("write", path, error) from error

    def delete(self, path: str) -> None:
        """Remove a file, and the directories that it leaves empty. A file that is gone already is no error."""
        target = self._target(path)
        try:
            target.unlink(missing_ok=True)
        except OSError as error:
            raise _failed("delete", path, error) from error
        for parent in target.parents:
            if parent == self.root:
                break
            try:
                parent.rmdir()
            except OSError:
                break
            self._made.discard(parent)

    def _target(self, path: str) -> Path:
        parts = PurePosixPath(path).parts
        if not parts or parts[0] == "/" or ".." in parts:
            raise ReconcilerError("bad-path", f"{path!r} does not name a file below {self.root}")
        return self.root.joinpath(*parts)


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
