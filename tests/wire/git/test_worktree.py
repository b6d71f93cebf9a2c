"""Work trees, the index and plain directories as trees: the same ids as a commit of the same files."""

import os
from pathlib import Path

import pytest

from reconciler.adapters.git.run import Git
from reconciler.adapters.git.worktree import Index, WorkTree
from reconciler.model.errors import Refused, UsageError
from reconciler.model.objects import CommitId
from tests.wire.git.conftest import MakeMirror
from tests.wire.git.repos import Origin, git


@pytest.fixture
def door() -> Git:
    return Git(dict(os.environ))


async def test_a_clean_work_tree_is_its_commit(origin: Origin, mirror_of: MakeMirror, door: Git) -> None:
    head = CommitId(origin.commit({"a.yaml": "a", "b/ü.yaml": "b", "c d": b"\0"}))
    mirror = mirror_of(origin.path)
    await mirror.fetch({"HEAD": head})
    tree = await WorkTree(door, origin.work).tree()
    assert tree.files == (await mirror.tree(head)).files
    assert tree.commit is None
    assert (await Index(door, origin.work).tree()).files == tree.files


async def test_a_work_tree_shows_what_lies_there_and_the_index_what_is_staged(origin: Origin, door: Git) -> None:
    origin.commit({".gitignore": "*.log\n", "a.yaml": "1", "gone.yaml": "x", "same.yaml": "s"})
    origin.write({"a.yaml": "2", "new.yaml": "n", "x.log": "ignored", "gone.yaml": None})
    git(origin.work, "add", "a.yaml")
    origin.write({"a.yaml": "3"})
    (origin.work / "link").symlink_to("a.yaml")
    work, index = WorkTree(door, origin.work), Index(door, origin.work)
    tree, staged = await work.tree(), await index.tree()
    assert list(tree.files) == [".gitignore", "a.yaml", "new.yaml", "same.yaml"]
    assert tree.skipped == {"link": "symbolic link"}
    assert (await work.blobs([tree.files["a.yaml"]])).popitem()[1] == b"3"
    assert list(staged.files) == [".gitignore", "a.yaml", "gone.yaml", "same.yaml"]
    assert (await index.blobs([staged.files["a.yaml"]])).popitem()[1] == b"2"
    await index.close()


async def test_a_directory_below_the_root_is_a_tree_of_its_own(origin: Origin, door: Git) -> None:
    origin.commit({"fleets/east/a.yaml": "1", "b.yaml": "2"})
    for place in (WorkTree(door, origin.work / "fleets"), Index(door, origin.work / "fleets")):
        assert list((await place.tree()).files) == ["east/a.yaml"]


async def test_a_plain_directory_is_a_tree_too(tmp_path: Path, door: Git) -> None:
    plain = tmp_path / "plain"
    (plain / "b").mkdir(parents=True)
    (plain / "a.yaml").write_text("hello\n")
    (plain / "b" / "c.yaml").write_text("c")
    tree = await WorkTree(door, plain).tree()
    assert tree.files["a.yaml"] == "ce013625030ba8dba906f756967f9e9ca394464a"
    assert list(tree.files) == ["a.yaml", "b/c.yaml"]


async def test_a_directory_that_the_repo_around_it_ignores_is_read_all_the_same(origin: Origin, door: Git) -> None:
    origin.commit({".gitignore": "build/\n"})
    origin.write({"build/a.yaml": "1"})
    assert list((await WorkTree(door, origin.work / "build").tree()).files) == ["a.yaml"]


async def test_an_unborn_repo_has_a_work_tree(origin: Origin, door: Git) -> None:
    origin.write({"a.yaml": "1"})
    assert list((await WorkTree(door, origin.work).tree()).files) == ["a.yaml"]
    assert (await Index(door, origin.work).tree()).files == {}


async def test_a_large_file_that_changes_while_it_is_read_is_told(origin: Origin, door: Git) -> None:
    origin.write({"a.yaml": "x" * (1 << 21)})
    work = WorkTree(door, origin.work)
    blob = (await work.tree()).files["a.yaml"]
    assert len((await work.blobs([blob]))[blob]) == 1 << 21
    origin.write({"a.yaml": "y"})
    with pytest.raises(Refused, match="changed while it was read"):
        await work.blobs([blob])


async def test_an_unfinished_merge_has_no_index_that_can_be_checked(origin: Origin, door: Git) -> None:
    origin.commit({"a.yaml": "1"})
    git(origin.work, "checkout", "--quiet", "-b", "other")
    origin.commit({"a.yaml": "2"})
    git(origin.work, "checkout", "--quiet", "main")
    origin.commit({"a.yaml": "3"})
    with pytest.raises(AssertionError):
        git(origin.work, "merge", "other")
    with pytest.raises(UsageError, match=r"a\.yaml has a conflict"):
        await Index(door, origin.work).tree()


async def test_a_pre_commit_hook_sees_the_index_that_will_be_committed(
    origin: Origin, door: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.commit({"a.yaml": "1", "b.yaml": "1"})
    other = origin.work / ".git" / "next-index"
    monkeypatch.setenv("GIT_INDEX_FILE", str(other))
    git(origin.work, "read-tree", "HEAD")
    git(origin.work, "rm", "--cached", "--quiet", "b.yaml")
    assert list((await Index(Git(dict(os.environ)), origin.work).tree()).files) == ["a.yaml"]
