"""A child is fed, read, bounded and ended with everything it started."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.processes import Call, run
from reconciler.model.errors import ToolFailed

SHELL = Path("/bin/sh")


def shell(script: str, **more) -> Call:
    return Call(SHELL, ["-c", script], {"PATH": os.environ["PATH"]}, **more)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 what another process does sets no event here
            await asyncio.sleep(0.01)


async def until_gone(pid: int) -> None:
    await until(lambda: gone(pid))


async def test_stdin_goes_in_and_both_streams_come_out() -> None:
    ended = await run(shell("cat; echo talk >&2; exit 3", stdin=b"a" * 300_000))
    assert (ended.status, ended.stdout, ended.stderr) == (3, b"a" * 300_000, "talk\n")


async def test_a_child_that_reads_nothing_is_no_error() -> None:
    assert (await run(shell("echo done", stdin=b"a" * 300_000))).stdout == b"done\n"


async def test_nothing_of_the_environment_is_inherited() -> None:
    os.environ["CANARY"] = "inherited"
    try:
        ended = await run(Call(Path(sys.executable), ["-c", "import os; print(os.environ)"], {"GIVEN": "1"}))
    finally:
        del os.environ["CANARY"]
    assert b"GIVEN" in ended.stdout
    assert b"CANARY" not in ended.stdout


async def test_the_deadline_ends_the_child_and_what_it_started(tmp_path: Path) -> None:
    begin = time.monotonic()
    with pytest.raises(ToolFailed, match="did not end within") as told:
        await run(shell(f"sleep 60 & echo $! > {tmp_path}/pid; wait", deadline=0.3))
    assert told.value.code == "program-deadline"
    assert time.monotonic() - begin < 3
    await until_gone(int((tmp_path / "pid").read_text()))


async def test_a_child_that_closes_its_streams_and_stays_is_ended_too() -> None:
    begin = time.monotonic()
    with pytest.raises(ToolFailed, match="did not end within"):
        await run(shell("exec >&- 2>&- <&-; sleep 60", deadline=0.3))
    assert time.monotonic() - begin < 3


async def test_more_output_than_allowed_ends_the_child() -> None:
    begin = time.monotonic()
    with pytest.raises(ToolFailed, match="wrote more than 1 MiB") as told:
        await run(shell("yes", limit=1 << 20))
    assert told.value.code == "program-output"
    assert time.monotonic() - begin < 3


async def test_endless_talk_is_cut_to_its_end() -> None:
    ended = await run(shell("head -c 5000000 /dev/zero | tr '\\0' a >&2; echo last >&2"))
    assert len(ended.stderr) <= 1 << 20
    assert ended.stderr.endswith("last\n")


async def test_cancelling_the_caller_ends_the_child(tmp_path: Path) -> None:
    task = asyncio.create_task(run(shell(f"echo $$ > {tmp_path}/pid; exec sleep 60")))
    await until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until_gone(int((tmp_path / "pid").read_text()))


async def test_an_absent_program_is_told() -> None:
    with pytest.raises(ToolFailed, match="none cannot be run") as told:
        await run(Call(Path("/nowhere/none"), [], {}))
    assert told.value.code == "no-program"
