"""A diff program of the user's choice, run on two directories with the terminal of the command."""

import shlex
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from reconciler.adapters import processes
from reconciler.model.errors import ToolFailed, UsageError

Pair = tuple[str, str, str]
"""A file's name below both directories, and what it holds in each; empty where there is none."""


def run(command: str, pairs: Sequence[Pair], environment: Mapping[str, str]) -> int:
    """Run it as kubectl does: `PROGRAM ARGUMENTS LIVE-DIRECTORY MERGED-DIRECTORY`; 0 same, 1 differs.

    ToolFailed when it cannot be run or ends with another status. The directories are private, and gone afterwards.
    """
    try:
        program, *arguments = shlex.split(command)
    except ValueError as error:
        raise UsageError("bad-diff-program", f"KUBECTL_EXTERNAL_DIFF cannot be read: {error}") from error
    with tempfile.TemporaryDirectory(prefix="LIVE-") as live, tempfile.TemporaryDirectory(prefix="MERGED-") as merged:
        for name, before, after in pairs:
            _put(Path(live), name, before)
            _put(Path(merged), name, after)
        status = processes.attended(program, (*arguments, live, merged), environment)
    if status not in (0, 1):
        raise ToolFailed("diff-failed", f"{program} ended with status {status}")
    return status


def _put(directory: Path, name: str, text: str) -> None:
    if text:
        (directory / name).write_text(text)
