"""Commits and pushes: what is written, what stays, and what the remote says when it does not want it."""

import datetime
from pathlib import Path

import pytest

from reconciler.adapters.git.push import Update, push
from reconciler.adapters.git.write import Author, Draft, author_of, commit
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.objects import CommitId
from tests.wire.git.conftest import MakeMirror
from tests.wire.git.repos import Origin, git

WHEN = datetime.datetime(2026, 2, 3, 4, 5, 6, tzinfo=datetime.UTC)
BOT = Author("Bot", "bot@example.com", WHEN)


async def test_a_commit_changes_what_it_names_and_leaves_the_rest(origin: Origin, mirror_of: MakeMirror) -> None:
    head = CommitId(origin.commit({"a": "a", "b/c": "c", "b/d": "d", "gone": "x"}))
    mirror = mirror_of(origin.path)
    await mirror.fetch({"refs/heads/main": head})
    draft = Draft(
        "main", head, {"a": b"new\n", "b": b"was a folder", "gone": None, 'x y/"\n': b"\0\xff"}, "Change\n\nT: x\n"
    )
    (new,) = await commit(mirror, [draft], BOT)
    assert await push(mirror, [Update("refs/heads/main", head, new)]) == {}
    assert git(origin.path, "ls-tree", "-r", "--name-only", "-z", "main").split("\0")[:-1] == ["a", "b", 'x y/"\n']
    assert origin.show("main", "a") == "new"
    assert git(origin.path, "show", "-s", "--format=%P %an %ae %ct %ci %B", "main").startswith(
        f"{head} Bot bot@example.com {int(WHEN.timestamp())} 2026-02-03 04:05:06 +0000 Change"
    )
    assert git(origin.path, "show", "-s", "--format=%(trailers:key=T,valueonly)", "main") == "x"


async def test_the_same_commit_has_the_same_id(origin: Origin, mirror_of: MakeMirror) -> None:
    draft = Draft("b", None, {"a": b"1", "c": b"2"}, "m")
    first = await commit(mirror_of(origin.path, "one"), [draft], BOT)
    assert first == await commit(mirror_of(origin.path, "two"), [draft], BOT)


async def test_many_branches_are_one_stream_and_one_push(origin: Origin, mirror_of: MakeMirror) -> None:
    mirror = mirror_of(origin.path)
    drafts = [Draft(f"clusters/c{i}", None, {"same": b"same", "own": b"%d" % i}, f"c{i}") for i in range(300)]
    made = await commit(mirror, drafts, BOT)
    assert await push(mirror, [Update(f"refs/heads/clusters/c{i}", None, c) for i, c in enumerate(made)]) == {}
    assert origin.show("clusters/c299", "own") == "299"
    again = await commit(mirror, [Draft("clusters/c7", made[7], {"own": None}, "less")], BOT)
    assert await push(mirror, [Update("refs/heads/clusters/c7", made[7], again[0])]) == {}
    assert git(origin.path, "ls-tree", "--name-only", "clusters/c7") == "same"


async def test_a_new_branch_has_no_history_even_where_one_was_written_before(
    origin: Origin, mirror_of: MakeMirror
) -> None:
    mirror = mirror_of(origin.path)
    await commit(mirror, [Draft("b", None, {"old": b"1"}, "old")], BOT)
    (new,) = await commit(mirror, [Draft("b", None, {"new": b"1"}, "new")], BOT)
    assert git(mirror.directory, "log", "--format=%s", new) == "new"
    assert git(mirror.directory, "ls-tree", "--name-only", new) == "new"


async def test_a_ref_that_moved_meanwhile_is_a_conflict_and_stays(origin: Origin, mirror_of: MakeMirror) -> None:
    head = CommitId(origin.commit({"a": "1"}))
    mirror = mirror_of(origin.path)
    await mirror.fetch({"refs/heads/main": head})
    (new,) = await commit(mirror, [Draft("main", head, {"a": b"ours"}, "ours")], BOT)
    theirs = origin.commit({"a": "theirs"})
    for update in (Update("refs/heads/main", head, new), Update("refs/heads/main", None, new)):
        rejection = (await push(mirror, [update]))["refs/heads/main"]
        assert rejection.conflict
    assert origin.log("main") == [theirs, head]


async def test_a_ref_that_was_set_back_is_not_set_forward_again(origin: Origin, mirror_of: MakeMirror) -> None:
    first = CommitId(origin.commit({"a": "1"}))
    second = CommitId(origin.commit({"a": "2"}))
    mirror = mirror_of(origin.path)
    await mirror.fetch({"refs/heads/main": second})
    (new,) = await commit(mirror, [Draft("main", second, {"a": b"3"}, "ours")], BOT)
    git(origin.path, "update-ref", "refs/heads/main", first)
    assert (await push(mirror, [Update("refs/heads/main", second, new)]))["refs/heads/main"].conflict
    assert origin.log("main") == [first]


def _refuse(origin: Origin, ref: str) -> None:
    hook = origin.path / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'#!/bin/sh\n[ "$1" != {ref} ] || {{ echo "GH006: protected, ask https://u:tok@x"; exit 1; }}\n')
    hook.chmod(0o755)


async def test_a_refused_ref_is_told_in_the_remotes_words_and_leaves_the_others(
    origin: Origin, mirror_of: MakeMirror
) -> None:
    _refuse(origin, "refs/heads/b")
    mirror = mirror_of(origin.path)
    a, b = await commit(mirror, [Draft("a", None, {"x": b"1"}, "a"), Draft("b", None, {"x": b"2"}, "b")], BOT)
    updates = [Update("refs/heads/a", None, a), Update("refs/heads/b", None, b)]
    rejections = await push(mirror, updates)
    assert list(rejections) == ["refs/heads/b"]
    assert not rejections["refs/heads/b"].conflict
    assert "hook declined: GH006: protected, ask https://x" in rejections["refs/heads/b"].reason
    assert git(origin.path, "for-each-ref", "--format=%(refname)") == "refs/heads/a"


async def test_an_atomic_push_is_all_or_nothing(origin: Origin, mirror_of: MakeMirror) -> None:
    _refuse(origin, "refs/heads/b")
    mirror = mirror_of(origin.path)
    a, b = await commit(mirror, [Draft("a", None, {"x": b"1"}, "a"), Draft("b", None, {"x": b"2"}, "b")], BOT)
    updates = [Update("refs/heads/a", None, a), Update("refs/heads/b", None, b)]
    assert set(await push(mirror, updates, atomic=True)) == {"refs/heads/a", "refs/heads/b"}
    assert git(origin.path, "for-each-ref") == ""


async def test_a_push_from_a_shallow_copy_is_taken(origin: Origin, mirror_of: MakeMirror) -> None:
    for number in range(4):
        head = CommitId(origin.commit({"a": str(number)}))
    mirror = mirror_of(f"file://{origin.path}")
    await mirror.fetch({"refs/heads/main": head})
    (new,) = await commit(mirror, [Draft("main", head, {"b": b"x"}, "on top")], BOT)
    assert await push(mirror, [Update("refs/heads/main", head, new)]) == {}
    assert len(origin.log("main")) == 5


async def test_a_parent_that_is_not_there_is_an_error(origin: Origin, mirror_of: MakeMirror) -> None:
    with pytest.raises(ReconcilerError, match="fast-import"):
        await commit(mirror_of(origin.path), [Draft("b", CommitId("1" * 40), {"a": b"x"}, "m")], BOT)


@pytest.mark.parametrize(
    "name", ["", "-x", "a..b", "a b", "a/", "/a", "a.lock", "a\nb", "@", "a//b", ".a", "x/.y", "a~1", "a:b"]
)
async def test_a_name_that_no_branch_can_have_is_refused(origin: Origin, mirror_of: MakeMirror, name: str) -> None:
    with pytest.raises(UsageError):
        await commit(mirror_of(origin.path), [Draft(name, None, {"a": b"x"}, "m")], BOT)


async def test_commits_are_in_the_users_name(
    origin: Origin, mirror_of: MakeMirror, bare_user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = mirror_of(origin.path)
    assert await author_of(mirror, WHEN) == Author("Ann Author", "ann@example.com", WHEN)
    (bare_user / ".gitconfig").write_text("")
    assert await author_of(mirror, WHEN) == Author("reconciler", "reconciler@localhost", WHEN)
    monkeypatch.setenv("GIT_COMMITTER_NAME", "CI")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "ci@example.com")
    assert await author_of(mirror, WHEN) == Author("CI", "ci@example.com", WHEN)
