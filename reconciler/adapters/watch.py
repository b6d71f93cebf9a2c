"""Notices changes of local files: a work tree, or the refs of a local repo. The only importer of watchdog.

Bursts (a save of an editor, a checkout, a rebase) become one notice after a quiet moment. A notice says only that
something changed; what it is, the reader finds out by reading.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent, FileSystemEventHandler
    from watchdog.observers.api import BaseObserver

QUIET = 0.06
"""Seconds without a further change after which a burst is over."""
QUIET_REFS = 0.01
"""The same for refs: git moves each in one step, and a run that came too early is followed by another."""
LONGEST = 2.0
"""Seconds after which a burst that does not end is told all the same."""
LOOK = 0.5
"""Seconds between two looks where the kernel does not tell."""
_CHANGES = frozenset({"created", "modified", "deleted", "moved", "closed"})
"""Kinds of events that change contents; opening and reading a file is none."""


def git_paths(repo: Path) -> tuple[Path, ...]:
    """What changes in a local repo when it gets a new commit: its refs, packed refs and HEAD."""
    git = repo / ".git"
    if git.is_file():  # a linked work tree or submodule
        git = (repo / git.read_text().removeprefix("gitdir:").strip()).resolve()
        common = git / "commondir"
        shared = (git / common.read_text().strip()).resolve() if common.is_file() else git
        return tuple(path for path in (git / "HEAD", shared / "refs", shared / "packed-refs") if path.parent.exists())
    home = git if git.is_dir() else repo
    return (home / "HEAD", home / "refs", home / "packed-refs")


def _interesting(paths: Iterable[Path], ignored: Callable[[Path], bool]) -> Callable[["FileSystemEvent"], bool]:
    roots = tuple(paths)

    def concerns(event: "FileSystemEvent") -> bool:
        if event.event_type not in _CHANGES or (event.is_directory and event.event_type == "modified"):
            return False
        touched = [Path(str(path)) for path in (event.src_path, event.dest_path) if path]
        inside = (path for path in touched if any(path == root or root in path.parents for root in roots))
        return any(path.suffix != ".lock" and not ignored(path) for path in inside)

    return concerns


@contextlib.asynccontextmanager
async def watching(
    paths: Iterable[Path], ignored: Callable[[Path], bool] = lambda _path: False, quiet: float = QUIET
) -> AsyncIterator["Notices"]:
    """Watch files and directories (with all below) for as long as the block runs; paths may not exist yet.

    `quiet`: seconds without a further change after which a burst is over.
    """
    from watchdog.events import FileSystemEvent, FileSystemEventHandler

    loop, notices = asyncio.get_running_loop(), Notices(quiet)
    wanted = [path.absolute() for path in paths]
    concerns = _interesting(wanted, ignored)

    class Told(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            if concerns(event):
                with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                    loop.call_soon_threadsafe(notices.changed.set)

    observer = await asyncio.to_thread(_started, Told(), _folders(wanted))
    try:
        yield notices
    finally:
        observer.stop()
        await asyncio.to_thread(observer.join, 1.0)


def _started(told: "FileSystemEventHandler", folders: Mapping[Path, bool]) -> "BaseObserver":
    """A running observer: the kernel's notices, or a look every so often where it has none left to give."""
    from watchdog.observers import Observer
    from watchdog.observers.polling import PollingObserver

    try:
        return _observing(Observer, told, folders)
    except OSError:  # the limit of inotify instances or watches is reached, as it is on busy machines
        return _observing(lambda: PollingObserver(timeout=LOOK), told, folders)


def _observing(
    make: Callable[[], "BaseObserver"], told: "FileSystemEventHandler", folders: Mapping[Path, bool]
) -> "BaseObserver":
    observer = make()
    observer.daemon = True
    try:
        for folder, recursive in folders.items():
            observer.schedule(told, str(folder), recursive=recursive)
        observer.start()
    except OSError:
        observer.stop()
        raise
    return observer


def _folders(paths: Iterable[Path]) -> dict[Path, bool]:
    """Directories to be watched, each once: whole trees for directories, the directory of a file for a file."""
    folders: dict[Path, bool] = {}
    for path in paths:
        folder, recursive = (path, True) if path.is_dir() else (path.parent, False)
        if folder.is_dir():
            folders[folder] = folders.get(folder, False) or recursive
    return folders


class Notices:
    """Bursts of changes, one notice each."""

    def __init__(self, quiet: float) -> None:
        self._quiet = quiet
        self.changed = asyncio.Event()
        """Set by the first change; a caller who only wants to be woken waits for it."""

    async def burst(self) -> None:
        """Wait for a change, then until the burst that it belongs to is over."""
        await self.changed.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST):
                while self.changed.is_set():
                    self.changed.clear()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self.changed.wait(), self._quiet)
        self.changed.clear()
