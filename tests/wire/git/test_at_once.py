"""Several runs and several tasks at once: one cache, one mirror, one lock."""

import asyncio
import fcntl
from pathlib import Path

import pytest

from reconciler.adapters.git.lock import locked
from reconciler.model.errors import Refused
from reconciler.model.objects import CommitId
from tests.wire.git.conftest import MakeMirror
from tests.wire.git.repos import Origin, git


async def test_runs_that_start_at_once_with_an_empty_cache_all_arrive(origin: Origin, mirror_of: MakeMirror) -> None:
    head = CommitId(origin.commit({f"{number}.yaml": str(number) for number in range(50)}))

    async def run() -> int:
        mirror = mirror_of(origin.path)
        told = await mirror.ls_remote(["HEAD"])
        await mirror.fetch({"HEAD": told.refs["HEAD"]})
        return len(await mirror.blobs((await mirror.tree(head)).files.values()))

    assert await asyncio.gather(*(run() for _ in range(6))) == [50] * 6
    assert [path.suffix for path in (origin.path.parent / "cache" / "git").iterdir() if path.is_dir()] == [".git"]


async def test_tasks_that_start_at_once_share_one_mirror(origin: Origin, mirror_of: MakeMirror) -> None:
    head = origin.commit({"a.yaml": "a"})
    mirror = mirror_of(origin.path)
    told = await asyncio.gather(*(mirror.ls_remote(["HEAD"]) for _ in range(6)))
    assert {one.refs["HEAD"] for one in told} == {head}
    assert [path.name for path in mirror.directory.parent.iterdir()] == [mirror.directory.name]


async def test_tasks_share_one_mirror(origin: Origin, mirror_of: MakeMirror) -> None:
    head = CommitId(origin.commit({f"{number}.yaml": str(number) for number in range(200)}))
    mirror = mirror_of(origin.path)
    await mirror.fetch({"HEAD": head})
    files = (await mirror.tree(head)).files

    async def read(number: int) -> bytes:
        await mirror.ls_remote(["HEAD"])
        blob = files[f"{number}.yaml"]
        return (await mirror.blobs([blob]))[blob]

    assert await asyncio.gather(*(read(number) for number in range(20))) == [str(n).encode() for n in range(20)]


async def test_a_read_that_was_cancelled_does_not_disturb_the_next(origin: Origin, mirror_of: MakeMirror) -> None:
    head = CommitId(origin.commit({f"{number}.yaml": f"{number}" * 9000 for number in range(300)}))
    mirror = mirror_of(origin.path)
    await mirror.fetch({"HEAD": head})
    files = (await mirror.tree(head)).files
    for pause in (0.0, 0.001, 0.005):
        task = asyncio.ensure_future(mirror.blobs(files.values()))
        await asyncio.sleep(pause)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await mirror.blobs([files["7.yaml"]]) == {files["7.yaml"]: b"7" * 9000}


async def test_a_fetch_that_was_cancelled_is_done_by_the_next(origin: Origin, mirror_of: MakeMirror) -> None:
    head = CommitId(origin.commit({f"{number}.yaml": f"{number}" * 99 for number in range(300)}))
    for number, pause in enumerate((0.0, 0.005, 0.02, 0.05)):
        mirror = mirror_of(f"file://{origin.path}", f"cache-{number}")
        task = asyncio.ensure_future(mirror.fetch({"HEAD": head}))
        await asyncio.sleep(pause)
        task.cancel()
        await asyncio.wait([task])
        await mirror.fetch({"HEAD": head})
        assert len((await mirror.tree(head)).files) == 300
        assert git(mirror.directory, "fsck", "--connectivity-only") == ""


async def test_a_lock_is_waited_for_and_not_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with path.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(Refused, match="another run"):
            async with locked(path, 0.1):
                pass
        waiting = asyncio.ensure_future(_hold(path))
        await asyncio.sleep(0.05)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 5)


async def _hold(path: Path) -> None:
    async with locked(path, 5):
        pass
