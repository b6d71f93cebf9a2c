"""New commits and saved files are noticed at once, a burst of them as one, and reading is not noticed."""

import asyncio
from pathlib import Path

import pytest

from reconciler.adapters.watch import LOOK, QUIET, git_paths, watching
from tests.wire.git.repos import Origin, git


async def notices(seconds: float, waiting: "asyncio.Event") -> bool:
    try:
        await asyncio.wait_for(waiting.wait(), seconds)
    except TimeoutError:
        return False
    waiting.clear()
    return True


async def test_a_commit_to_a_local_repo_is_noticed(origin: Origin) -> None:
    origin.commit({"a.yaml": "1"})
    for repo in (origin.path, origin.work):
        async with watching(git_paths(repo)) as watch:
            origin.commit({"a.yaml": f"in {repo.name}"})
            await asyncio.wait_for(watch.burst(), 5)


async def test_refs_that_were_packed_are_noticed(origin: Origin) -> None:
    origin.commit({"a.yaml": "1"})
    git(origin.path, "pack-refs", "--all")
    async with watching(git_paths(origin.path)) as watch:
        origin.commit({"a.yaml": "2"})
        await asyncio.wait_for(watch.burst(), 5)


async def test_a_linked_work_tree_is_watched_where_its_refs_are(origin: Origin, tmp_path: Path) -> None:
    origin.commit({"a.yaml": "1"})
    linked = tmp_path / "linked"
    git(origin.work, "worktree", "add", "--quiet", "-b", "linked", str(linked))
    async with watching(git_paths(linked)) as watch:
        git(linked, "commit", "--quiet", "--allow-empty", "--message=x")
        await asyncio.wait_for(watch.burst(), 5)


async def test_reading_is_not_noticed(origin: Origin, tmp_path: Path) -> None:
    origin.commit({"a.yaml": "1"})
    async with watching([*git_paths(origin.path), origin.work]) as watch:
        (origin.work / "a.yaml").read_text()
        git(tmp_path, "ls-remote", str(origin.path))
        assert not await notices(0.4, watch.changed)


async def test_a_burst_is_one_notice(tmp_path: Path) -> None:
    async with watching([tmp_path]) as watch:
        for number in range(200):
            (tmp_path / f"{number}.yaml").write_text("x")
        told = 0
        while told == 0 or await notices(LOOK + QUIET, watch.changed):
            told += 1
            watch.changed.set()
            await asyncio.wait_for(watch.burst(), 5)
        assert told <= 2  # two where the kernel has no notices left and the second look falls into the burst
        (tmp_path / "new.yaml").write_text("x")
        await asyncio.wait_for(watch.burst(), 5)


async def test_a_burst_that_does_not_end_is_told_all_the_same(tmp_path: Path) -> None:
    async def chatter() -> None:
        for number in range(1000):
            (tmp_path / "log").write_text(str(number))
            await asyncio.sleep(0.02)

    async with watching([tmp_path]) as watch:
        talking = asyncio.ensure_future(chatter())
        await asyncio.wait_for(watch.burst(), 10)
        talking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await talking


async def test_what_is_ignored_and_what_lies_beside_is_not_noticed(tmp_path: Path) -> None:
    (tmp_path / "beside").mkdir()
    (tmp_path / "watched" / ".git").mkdir(parents=True)
    async with watching([tmp_path / "watched"], lambda path: ".git" in path.parts) as watch:
        (tmp_path / "beside" / "a").write_text("x")
        (tmp_path / "watched" / ".git" / "index").write_text("x")
        (tmp_path / "watched" / "a.lock").write_text("x")
        assert not await notices(0.4, watch.changed)
        (tmp_path / "watched" / "a.yaml").write_text("x")
        await asyncio.wait_for(watch.burst(), 5)
