"""What commits say by their trailers: those since the status, spelled in any case, and signed where keys are named."""

from pathlib import Path

import pytest

from reconciler.adapters.git.mirror import Mirror
from reconciler.adapters.git.objects import straight_line
from reconciler.model.objects import CommitId
from reconciler.model.settings import Signatures
from reconciler.sync.trailers import trailers
from tests.wire.git.conftest import MakeMirror
from tests.wire.git.repos import Origin, git
from tests.wire.git.servers import keygen


def commit(origin: Origin, message: str, *config: str) -> CommitId:
    origin.write({"a.yaml": message})
    git(origin.work, "add", "--all")
    git(origin.work, *config, "commit", "--quiet", "--message", message)
    git(origin.work, "push", "--quiet", "--force", "origin", "HEAD")
    return CommitId(git(origin.work, "rev-parse", "HEAD"))


async def fetched(mirror: Mirror, head: CommitId) -> Mirror:
    await mirror.fetch({"HEAD": head}, history=True)
    return mirror


async def test_trailers_since_a_commit_are_read_oldest_first(origin: Origin, mirror_of: MakeMirror) -> None:
    since = commit(origin, "Old\n\nReconciler-Acknowledge: old")
    one = commit(
        origin, "One\n\nWhy it goes.\n\nreconciler-acknowledge: one\nSigned-off-by: ann\nReconciler-Approve: a b"
    )
    commit(origin, "Not one\n\nReconciler-Acknowledge: stands in the middle\n\nof the message")
    two = commit(origin, "Two\n\nReconciler-Acknowledge: two")
    mirror = await fetched(mirror_of(origin.path), two)
    found = [(one.commit, one.key, one.value) for one in await trailers(mirror, since, two)]
    assert found == [
        (one, "Reconciler-Acknowledge", "one"),
        (one, "Reconciler-Approve", "a b"),
        (two, "Reconciler-Acknowledge", "two"),
    ]


@pytest.mark.parametrize("since", [None, CommitId("a" * 40)], ids=["nothing", "a commit that is not there"])
async def test_without_a_history_the_commit_itself_is_read(
    origin: Origin, mirror_of: MakeMirror, since: CommitId | None
) -> None:
    commit(origin, "One\n\nReconciler-Acknowledge: one")
    two = commit(origin, "Two\n\nReconciler-Acknowledge: two")
    mirror = await fetched(mirror_of(origin.path), two)
    assert [one.value for one in await trailers(mirror, since, two)] == ["two"]


async def test_where_keys_are_named_only_signed_commits_count(
    origin: Origin, mirror_of: MakeMirror, tmp_path: Path
) -> None:
    ann, bob = keygen(tmp_path / "ann", "ann@example.com"), keygen(tmp_path / "bob", "bob@example.com")

    def signed(message: str, key: Path) -> CommitId:
        options = ("gpg.format=ssh", f"user.signingKey={key}", "commit.gpgSign=true")
        return commit(origin, message, *(word for option in options for word in ("-c", option)))

    since = commit(origin, "Base")
    signed("One\n\nReconciler-Acknowledge: ann", ann)
    signed("Two\n\nReconciler-Acknowledge: bob", bob)
    head = commit(origin, "Three\n\nReconciler-Acknowledge: nobody")
    mirror = await fetched(mirror_of(origin.path), head)
    keys = Signatures(ssh=(ann.with_suffix(".pub").read_text(),))
    assert [one.value for one in await trailers(mirror, since, head, keys)] == ["ann"]


async def test_a_line_of_commits_is_read_without_their_merges(origin: Origin, mirror_of: MakeMirror) -> None:
    old = commit(origin, "Old")
    one = commit(origin, "One")
    two = commit(origin, "Two\n\nReconciler-Approve: a b")
    git(origin.work, "switch", "--quiet", "--create", "side", old)
    side = commit(origin, "Side")
    git(origin.work, "switch", "--quiet", "-")
    git(origin.work, "merge", "--quiet", "--strategy=ours", "--message=Merge", "side")
    git(origin.work, "push", "--quiet", "origin", "HEAD")
    merged = CommitId(git(origin.work, "rev-parse", "HEAD"))
    objects = (await fetched(mirror_of(origin.path), merged)).objects
    assert await straight_line(objects, old, two, 9) == [b"Two\n\nReconciler-Approve: a b\n", b"One\n"]
    assert await straight_line(objects, one, one, 9) == []
    for since, head, most in ((old, two, 1), (old, merged, 9), (two, side, 9), (two, one, 9)):
        assert await straight_line(objects, since, head, most) is None
