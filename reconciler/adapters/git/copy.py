"""Our bare copy of one repo in the cache directory, as far as it needs no remote: made, locked, judged, thrown away.

It may be deleted at any time, and several runs may share it.
"""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from reconciler.adapters.git.lock import locked
from reconciler.adapters.git.objects import Objects
from reconciler.adapters.git.run import LONG, Call, Git
from reconciler.adapters.processes import Ended
from reconciler.model.errors import ToolFailed, UsageError
from reconciler.model.objects import CommitId

_LOOSE, _PACKS = 27, 50
"""Objects in one of the 256 directories, and packs: with more than that git finds that there is something to pack."""


class Copy:
    """A bare repo of our own."""

    def __init__(self, door: Git, directory: Path) -> None:
        self.door = door
        self.directory = directory
        self.objects = Objects(door, directory)
        self._wide = False

    async def close(self) -> None:
        """End the child that reads objects."""
        await self.objects.close()

    async def make(self) -> None:
        """Make the copy when there is none."""
        if (self.directory / "HEAD").is_file() and (self.directory / "objects").is_dir():
            return
        kind = ["--object-format=sha256"] if self._wide else []
        try:
            with self._beside() as new:
                await self.door.check(Call(["init", "--quiet", "--bare", "--template=", *kind, str(new)], new))
                await asyncio.to_thread(_put_in_place, new, self.directory)
        except OSError as error:
            hint = "name a writable directory with XDG_CACHE_HOME"
            raise UsageError("no-cache", f"cannot make {self.directory}: {error.strerror}", hint) from error

    async def widen(self) -> None:
        """Make the copy anew for ids of SHA-256, as the remote has them."""
        if not self._wide:
            self._wide = True
            if (await self.run(["rev-parse", "--show-object-format"])).stdout.strip() != b"sha256":
                await self.forget()

    async def forget(self) -> None:
        """Throw the copy away; the next call makes another."""
        await self.objects.close()
        with self._beside() as old, contextlib.suppress(FileNotFoundError):
            self.directory.rename(old / "old")

    async def tidy(self) -> None:
        """Let git pack what was fetched and written, when there is enough of it."""
        if await asyncio.to_thread(_is_crowded, self.directory / "objects"):
            await self.check(["gc", "--auto", "--quiet"])

    async def is_sound(self) -> bool:
        """Whether everything that our refs name is there."""
        return (await self.run(["fsck", "--connectivity-only", "--no-dangling", "--no-progress"])).status == 0

    async def is_known_ancestor(self, old: CommitId, new: CommitId) -> bool:
        """Whether `old` is `new` or an ancestor of it, as far as the history that is here tells."""
        return old == new or (await self.run(["merge-base", "--is-ancestor", old, new])).status == 0

    async def changes(self, old: CommitId, new: CommitId, path: str) -> list[CommitId]:
        """The commits after `old` up to `new` that changed a file, oldest first; of a merge only the merge itself."""
        ended = await self.run(["rev-list", "--first-parent", "--reverse", f"{old}..{new}", "--", path])
        if ended.status != 0:
            raise ToolFailed("git-failed", f"git rev-list: {ended.stderr.strip()}", "run again")
        return [CommitId(line) for line in ended.stdout.decode().split()]

    async def find(self, abbreviated: str) -> CommitId | None:
        """The commit whose id begins so; UsageError when there are several."""
        ended = await self.run(["rev-parse", "--quiet", "--verify", f"{abbreviated}^{{commit}}"])
        if "ambiguous" in ended.stderr:
            message = f"{abbreviated} is the beginning of several commits"
            raise UsageError("ambiguous-commit", message, "give more of it")
        return CommitId(ended.stdout.decode().strip()) if ended.status == 0 else None

    def locked(self) -> AbstractAsyncContextManager[None]:
        """Keep other runs from changing the refs of this copy meanwhile."""
        return locked(self.directory.with_suffix(".lock"), LONG)

    async def run(self, arguments: Sequence[str]) -> Ended:
        """Run a call that speaks with nobody, whatever its exit status."""
        await self.make()
        return await self.door.run(Call(arguments, self.directory, environment=self.here, deadline=LONG))

    async def check(self, arguments: Sequence[str], stdin: bytes | None = None) -> bytes:
        """The output of a call that speaks with nobody and must succeed."""
        await self.make()
        call = Call(arguments, self.directory, environment=self.here, stdin=stdin, deadline=LONG)
        return await self.door.check(call)

    @property
    def here(self) -> dict[str, str]:
        """What tells git which repo is meant, whatever the surroundings say."""
        return {"GIT_DIR": str(self.directory)}

    @property
    def is_shallow(self) -> bool:
        """Whether history is cut off somewhere."""
        return (self.directory / "shallow").exists()

    @contextlib.contextmanager
    def _beside(self) -> Iterator[Path]:
        """An empty directory on the same disk; what is left in it goes at the end."""
        self.directory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = Path(tempfile.mkdtemp(prefix=f"{self.directory.name}.", dir=self.directory.parent))
        try:
            yield beside
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def _is_crowded(objects: Path) -> bool:
    """What `git gc --auto` looks at, by its default settings, before it packs."""
    loose = sum(1 for _ in objects.glob("17/*"))
    return loose > _LOOSE or sum(1 for _ in objects.glob("pack/*.pack")) > _PACKS


def _put_in_place(new: Path, target: Path) -> None:
    try:
        new.rename(target)
    except OSError:  # somebody else was first, or an incomplete copy is in the way
        if not ((target / "HEAD").is_file() and (target / "objects").is_dir()):
            shutil.rmtree(target, ignore_errors=True)
            new.rename(target)
