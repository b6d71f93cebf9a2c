"""Writes commits with one `git fast-import`, however many branches they are on. Nothing is checked out or pushed."""

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from reconciler.adapters.git.mirror import Mirror, written
from reconciler.adapters.git.revision import branch_ref
from reconciler.adapters.git.run import Call
from reconciler.model.errors import ToolFailed
from reconciler.model.objects import CommitId

_NOBODY = ("reconciler", "reconciler@localhost")
_IDENT = re.compile(r"(?P<name>[^<>\n]*) <(?P<email>[^<>\n]*)> \d+ [+-]\d+")
_FIRST_COMMIT = 1_000_000_000
"""Marks of commits start here, those of contents at 1."""


class Draft(msgspec.Struct, frozen=True):
    """A commit to be made."""

    branch: str
    onto: CommitId | None
    """Its parent; None starts a branch without history."""
    files: Mapping[str, bytes | None]
    """What differs from the parent, by path; None removes."""
    message: str


class Author(msgspec.Struct, frozen=True):
    """Who writes commits, and when."""

    name: str
    email: str
    when: datetime.datetime

    def line(self) -> str:
        """As git's objects spell it."""
        return f"{self.name} <{self.email}> {int(self.when.timestamp())} +0000"


async def author_of(mirror: Mirror, when: datetime.datetime) -> Author:
    """Who the user told git that he is (environment or configuration), or `reconciler` where he told nothing."""
    arguments = ["var", "GIT_COMMITTER_IDENT"]
    await mirror.make()
    call = Call(arguments, mirror.directory, config=["user.useConfigOnly=true"])
    match = _IDENT.match((await mirror.door.run(call)).stdout.decode(errors="replace"))
    name, email = (match["name"], match["email"]) if match and match["name"] else _NOBODY
    return Author(name, email, when)


async def commit(mirror: Mirror, drafts: Sequence[Draft], author: Author) -> list[CommitId]:
    """Make all drafts commits in the mirror, in their order. Their parents are present there already."""
    if not drafts:
        return []
    stream = b"".join(_stream(drafts, author))
    async with mirror.locked():
        output = await mirror.check(["fast-import", "--quiet", "--force", "--done"], stdin=stream)
        await mirror.tidy()
    ids = output.decode().split()
    if len(ids) != len(drafts):
        raise ToolFailed("git-failed", f"git fast-import answered {len(ids)} of {len(drafts)} commits")
    return [CommitId(name) for name in ids]


def _stream(drafts: Sequence[Draft], author: Author) -> Iterable[bytes]:
    marks: dict[bytes, int] = {}
    for draft in drafts:
        for content in draft.files.values():
            if content is not None and content not in marks:
                marks[content] = len(marks) + 1
                yield b"blob\nmark :%d\ndata %d\n%b\n" % (marks[content], len(content), content)
    for number, draft in enumerate(drafts, _FIRST_COMMIT):
        yield from _commit(draft, author, number, marks)
    for number in range(_FIRST_COMMIT, _FIRST_COMMIT + len(drafts)):
        yield b"get-mark :%d\n" % number
    yield b"done\n"


def _commit(draft: Draft, author: Author, number: int, marks: Mapping[bytes, int]) -> Iterable[bytes]:
    ref, who, message = written(branch_ref(draft.branch)), author.line().encode(), draft.message.encode()
    if draft.onto is None:
        yield b"reset %b\n\n" % ref.encode()  # an older branch of this name, here, is not its parent
    yield b"commit %b\nmark :%d\nauthor %b\ncommitter %b\n" % (ref.encode(), number, who, who)
    yield b"data %d\n%b\n" % (len(message), message)
    if draft.onto is not None:
        yield b"from %b\n" % draft.onto.encode()
    removed = [path for path, content in draft.files.items() if content is None]
    yield from (b"D %b\n" % _quoted(path) for path in sorted(removed))
    for path, content in sorted(draft.files.items()):
        if content is not None:
            yield b"M 100644 :%d %b\n" % (marks[content], _quoted(path))
    yield b"\n"


def _quoted(path: str) -> bytes:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'.encode()
