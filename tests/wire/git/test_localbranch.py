"""What a local repo knows of a branch, without any network."""

import os
from pathlib import Path

import pytest

from reconciler.adapters.git import localbranch
from reconciler.adapters.git.run import Git
from reconciler.model.objects import CommitId
from tests.wire.git.repos import Origin, git

STATUS = "reconciler-status"


@pytest.fixture
def door() -> Git:
    return Git(dict(os.environ))


def commit_at(origin: Origin, seconds: int, ref: str) -> CommitId:
    """A commit of that second, at a ref of the work tree."""
    tree = git(origin.work, "write-tree")
    when = {"GIT_COMMITTER_DATE": f"@{seconds} +0000", "GIT_AUTHOR_DATE": f"@{seconds} +0000"}
    before = dict(os.environ)
    os.environ.update(when)
    try:
        commit = git(origin.work, "commit-tree", tree, "-m", ref)
    finally:
        for name in when:
            os.environ.pop(name)
        os.environ.update({name: before[name] for name in when if name in before})
    git(origin.work, "update-ref", ref, commit)
    return CommitId(commit)


async def test_the_newest_of_our_branch_and_those_of_remotes_counts(origin: Origin, door: Git) -> None:
    origin.commit({"a": "1"})
    assert await localbranch.newest(door, origin.work, STATUS) is None
    first = commit_at(origin, 1000, f"refs/remotes/origin/{STATUS}")
    assert await localbranch.newest(door, origin.work, STATUS) == first
    second = commit_at(origin, 2000, f"refs/heads/{STATUS}")
    assert await localbranch.newest(door, origin.work, STATUS) == second
    third = commit_at(origin, 3000, f"refs/remotes/upstream/{STATUS}")
    assert await localbranch.newest(door, origin.work, STATUS) == third


async def test_a_branch_below_the_name_or_ending_in_it_is_another_one(origin: Origin, door: Git) -> None:
    origin.commit({"a": "1"})
    commit_at(origin, 1000, f"refs/heads/{STATUS}/old")
    commit_at(origin, 1000, f"refs/heads/my-{STATUS}")
    assert await localbranch.newest(door, origin.work, STATUS) is None


async def test_a_directory_that_is_no_repo_knows_no_branch(tmp_path: Path, door: Git) -> None:
    assert await localbranch.newest(door, tmp_path, STATUS) is None


async def test_only_wanted_files_are_read(origin: Origin, door: Git) -> None:
    head = CommitId(origin.commit({"status.json": "{}", "clusters/a.json": "[]", "README.md": "# x"}))
    found = await localbranch.files(door, origin.work, head, lambda path: path.endswith(".json"))
    assert found == {"status.json": b"{}", "clusters/a.json": b"[]"}
