"""The empty commit by which somebody approves a group, on the branch that is checked out."""

from pathlib import Path

from reconciler.adapters.git.run import Call, Git
from reconciler.cli import terminal
from reconciler.planning.rollout import Timetable
from reconciler.sync.approvals import APPROVE, SHOWN
from reconciler.sync.options import Options


async def approve(options: Options, table: Timetable, group: str) -> None:
    """Commit, and say what to push. Without a digest where the work tree holds more than its commit."""
    git, at = Git(options.environment), Path(options.repo)
    dirty = (await git.check(Call(["status", "--porcelain"], at, in_hook=True))).strip()
    what = f"{table.asked.subscription} {group}"
    value = what if dirty else f"{what} {table.target[:SHOWN]}"
    message = f"Approve {what}\n\n{APPROVE}: {value}\n"
    await git.check(Call(["commit", "--quiet", "--only", "--allow-empty", "--message", message], at, in_hook=True))
    commit = (await git.check(Call(["rev-parse", "HEAD"], at, in_hook=True))).decode().strip()
    if dirty:
        terminal.talk("the work tree holds changes that are not committed, so the approval names no digest")
    terminal.talk(f"{commit[:12]} approves group {group} of {table.asked.subscription}; takes effect after: git push")
