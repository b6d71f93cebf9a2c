"""Who wrote one line of a file, and when: `git blame` of that line."""

from pathlib import Path

import msgspec

from reconciler.adapters.git.run import Call, Git
from reconciler.model.errors import ReconcilerError

_NOBODY = "0" * 40


class Authored(msgspec.Struct, frozen=True):
    """The commit that a line is from."""

    commit: str
    """Empty for a line that is not committed."""
    author: str
    summary: str


async def blame(git: Git, at: Path, path: str, line: int, commit: str = "") -> Authored | None:
    """Who wrote a line (from 1). `at` is a directory of the repo, `path` relative to it; without `commit` as it lies.

    None where git does not know: no repo, a file that was never committed, history that is not here.
    """
    revision = [commit] if commit else []
    arguments = ["blame", "--porcelain", "-L", f"{line},{line}", *revision, "--", path]
    environment = {"GIT_DIR": str(at)} if commit and not (at / ".git").exists() and (at / "HEAD").is_file() else {}
    try:
        ended = await git.run(Call(arguments, at, environment=environment, in_hook=not commit))
    except ReconcilerError:
        return None
    return _read(ended.stdout.decode(errors="replace")) if ended.status == 0 else None


def _read(text: str) -> Authored | None:
    lines = text.splitlines()
    if not lines:
        return None
    found = lines[0].split(" ", 1)[0]
    told = dict(line.split(" ", 1) for line in lines[1:] if " " in line and not line.startswith("\t"))
    if found.startswith(_NOBODY):
        return Authored("", "", "")
    return Authored(found, told.get("author", ""), told.get("summary", ""))
