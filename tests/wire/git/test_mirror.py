"""Asking, fetching and reading through a mirror, on real repos."""

import datetime
import os
import shutil
from pathlib import Path

import pytest

from reconciler.adapters.git.mirror import tracker
from reconciler.adapters.git.push import Update, push
from reconciler.adapters.git.revision import Revision, commit_revision
from reconciler.adapters.git.write import Author, Draft, commit
from reconciler.model.errors import ToolFailed, UsageError
from reconciler.model.objects import BlobId, CommitId
from tests.wire.git.conftest import MakeMirror
from tests.wire.git.repos import Origin, git


async def test_one_call_tells_source_and_status_together(origin: Origin, mirror_of: MakeMirror) -> None:
    head = origin.commit({"a.yaml": "a"})
    git(
        origin.work,
        "push",
        "--quiet",
        "origin",
        "HEAD:refs/heads/reconciler-status",
        "HEAD:refs/heads/x/refs/heads/main",
    )
    told = await mirror_of(origin.path).ls_remote(["HEAD", "refs/heads/main", "refs/heads/reconciler-status"])
    assert told.refs == dict.fromkeys(["HEAD", "refs/heads/main", "refs/heads/reconciler-status"], head)
    assert told.default == "refs/heads/main"


@pytest.mark.parametrize(
    ("revision", "which"),
    [
        (Revision(), "second"),
        (Revision("branch", "main"), "second"),
        (Revision("branch", "topic/a"), "first"),
        (Revision("tag", "light"), "first"),
        (Revision("tag", "annotated"), "first"),
    ],
    ids=str,
)
async def test_a_revision_is_a_commit(origin: Origin, mirror_of: MakeMirror, revision: Revision, which: str) -> None:
    commits = {"first": origin.commit({"a.yaml": "1"})}
    git(origin.work, "tag", "light")
    git(origin.work, "tag", "--annotate", "--message=x", "annotated")
    git(origin.work, "push", "--quiet", "origin", "--tags", "HEAD:refs/heads/topic/a")
    commits["second"] = origin.commit({"a.yaml": "2"})
    mirror = mirror_of(origin.path)
    told = await mirror.ls_remote([revision.ref or ""])
    found = await mirror.resolve(revision, told)
    assert found == commits[which]
    assert await mirror.fetch({revision.ref or "": found}) == {revision.ref: found}
    assert (await mirror.tree(found)).commit == found


@pytest.mark.parametrize("digits", [7, 12, 40])
async def test_a_commit_is_found_by_its_id(origin: Origin, mirror_of: MakeMirror, digits: int) -> None:
    first = origin.commit({"a.yaml": "1"})
    origin.commit({"a.yaml": "2"})
    mirror = mirror_of(origin.path)
    found = await mirror.resolve(commit_revision(first[:digits]), await mirror.ls_remote(["HEAD"]))
    assert found == first
    await mirror.fetch({found: found})
    assert (await mirror.blobs((await mirror.tree(found)).files.values())).popitem()[1] == b"1"


async def test_what_is_not_there_is_told_with_near_names(origin: Origin, mirror_of: MakeMirror) -> None:
    origin.commit({"a.yaml": "1"})
    mirror = mirror_of(origin.path)
    with pytest.raises(UsageError, match="no branch maim") as told:
        await mirror.resolve(Revision("branch", "maim"), await mirror.ls_remote(["refs/heads/maim"]))
    assert "main" in told.value.hint
    with pytest.raises(UsageError, match="no commit abcdef0"):
        await mirror.resolve(commit_revision("abcdef0"), await mirror.ls_remote(["HEAD"]))


async def test_an_unborn_branch_is_a_repo_without_commits(origin: Origin, mirror_of: MakeMirror) -> None:
    mirror = mirror_of(origin.path)
    told = await mirror.ls_remote(["HEAD", "refs/heads/reconciler-status"])
    assert told.refs == {}
    with pytest.raises(UsageError, match="no commit yet"):
        await mirror.resolve(Revision(), told)


async def test_only_files_are_in_a_tree_and_the_rest_is_told(origin: Origin, mirror_of: MakeMirror) -> None:
    origin.commit({"sub/b.yaml": "b", "a.yaml": "a"})
    (origin.work / "link").symlink_to("a.yaml")
    head = git(origin.work, "rev-parse", "HEAD")
    git(origin.work, "update-index", "--add", "--cacheinfo", f"160000,{head},module")
    git(origin.work, "add", "link")
    git(origin.work, "commit", "--quiet", "--message=x")
    git(origin.work, "push", "--quiet", "origin", "HEAD")
    mirror = mirror_of(origin.path)
    fetched = await mirror.fetch({"HEAD": CommitId(git(origin.work, "rev-parse", "HEAD"))})
    tree = await mirror.tree(fetched["HEAD"])
    assert list(tree.files) == ["a.yaml", "sub/b.yaml"]
    assert tree.skipped == {"link": "symbolic link", "module": "submodule"}


async def test_a_path_narrows_the_tree_to_a_directory(origin: Origin, mirror_of: MakeMirror) -> None:
    head = CommitId(origin.commit({"fleets/east/a.yaml": "a", "fleets/east/b/c.yaml": "c", "fleets/west.yaml": "w"}))
    mirror = mirror_of(origin.path)
    await mirror.fetch({"HEAD": head})
    assert list((await mirror.tree(head, "fleets/east/")).files) == ["a.yaml", "b/c.yaml"]
    for wrong in ("fleets/west.yaml", "none", "../fleets", "fleets/ea"):
        with pytest.raises(UsageError, match="has no directory"):
            await mirror.tree(head, wrong)


HOSTILE = [
    "--upload-pack=x",
    "a b.yaml",
    "new\nline.yaml",
    "quote\"'.yaml",
    "ü/é.yaml",
    "-rf",
    "a\tb",
    "back\\slash",
    "*",
]


async def test_hostile_names_are_names(origin: Origin, mirror_of: MakeMirror) -> None:
    head = CommitId(origin.commit(dict.fromkeys(HOSTILE, "x"), "hostile"))
    git(
        origin.work,
        "push",
        "--quiet",
        "origin",
        "HEAD:refs/heads/-x;$(id)",
        "HEAD:refs/heads/Main",
        "HEAD:refs/heads/a/b",
    )
    mirror = mirror_of(origin.path)
    told = await mirror.ls_remote(["refs/heads/*"])
    assert set(told.refs) >= {"refs/heads/-x;$(id)", "refs/heads/Main", "refs/heads/main", "refs/heads/a/b"}
    await mirror.fetch(told.refs)
    tree = await mirror.tree(head)
    assert set(tree.files) == set(HOSTILE)
    assert set((await mirror.blobs(tree.files.values())).values()) == {b"x"}


async def test_a_ref_with_a_line_separator_is_not_taken_for_another(origin: Origin, mirror_of: MakeMirror) -> None:
    head = origin.commit({"a.yaml": "a"})
    evil = origin.commit({"a.yaml": "evil"})
    git(origin.path, "update-ref", "refs/heads/main", head)
    git(origin.path, "update-ref", "refs/heads/main\u2028x", evil)
    told = await mirror_of(origin.path).ls_remote(["refs/heads/*"])
    assert told.refs == {"refs/heads/main": head, "refs/heads/main\u2028x": evil}


async def test_names_that_are_not_utf8_are_told_and_skipped(origin: Origin, mirror_of: MakeMirror) -> None:
    head = CommitId(origin.commit({"a.yaml": "a", os.fsdecode(b"\xff.yaml"): ""}))
    mirror = mirror_of(origin.path)
    await mirror.fetch({"HEAD": head})
    tree = await mirror.tree(head)
    assert list(tree.files) == ["a.yaml"]
    assert tree.skipped == {"\\xff.yaml": "name is not UTF-8"}


async def test_a_branch_that_becomes_a_folder_of_branches_is_fetched(origin: Origin, mirror_of: MakeMirror) -> None:
    head = CommitId(origin.commit({"a.yaml": "a"}))
    git(origin.path, "branch", "x", "main")
    mirror = mirror_of(origin.path)
    await mirror.fetch({"refs/heads/x": head})
    git(origin.path, "branch", "--delete", "--force", "x")
    git(origin.path, "branch", "x/y", "main")
    assert await mirror.fetch({"refs/heads/x/y": head}) == {"refs/heads/x/y": head}


async def test_fetching_again_starts_no_program(
    origin: Origin, mirror_of: MakeMirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = CommitId(origin.commit({"a.yaml": "a"}))
    mirror = mirror_of(origin.path)
    await mirror.fetch({"HEAD": head})
    monkeypatch.setenv("PATH", "/nowhere")
    assert await mirror.fetch({"HEAD": head}) == {"HEAD": head}
    assert list((await mirror.tree(head)).files) == ["a.yaml"]


async def test_the_first_fetch_is_shallow_and_the_next_brings_what_is_new(
    origin: Origin, mirror_of: MakeMirror
) -> None:
    for number in range(5):
        head = CommitId(origin.commit({"a.yaml": str(number)}))
    mirror = mirror_of(f"file://{origin.path}")
    await mirror.fetch({"HEAD": head})
    assert git(mirror.directory, "rev-list", "--count", head) == "1"
    for number in range(5, 8):
        head = CommitId(origin.commit({"a.yaml": str(number)}))
    await mirror.fetch({"HEAD": head})
    assert git(mirror.directory, "rev-list", "--count", head) == "4"


async def test_history_tells_what_descends_also_from_a_shallow_copy(origin: Origin, mirror_of: MakeMirror) -> None:
    first = CommitId(origin.commit({"a.yaml": "1"}))
    origin.commit({"a.yaml": "2"})
    last = CommitId(origin.commit({"a.yaml": "3"}))
    mirror = mirror_of(f"file://{origin.path}")
    await mirror.fetch({"HEAD": last})
    assert await mirror.descends(last, first, "HEAD")
    assert not await mirror.descends(first, last, "HEAD")
    git(origin.work, "reset", "--quiet", "--hard", first)
    rewritten = CommitId(origin.commit({"a.yaml": "4"}))
    await mirror.fetch({"HEAD": rewritten})
    assert await mirror.descends(rewritten, first, "HEAD")
    assert not await mirror.descends(rewritten, last, "HEAD")


async def test_a_deleted_cache_is_made_again(origin: Origin, mirror_of: MakeMirror) -> None:
    head = CommitId(origin.commit({"a.yaml": "a"}))
    mirror = mirror_of(origin.path)
    await mirror.fetch({"HEAD": head})
    shutil.rmtree(mirror.directory.parent)
    head = CommitId(origin.commit({"a.yaml": "b"}))
    assert (await mirror.ls_remote(["HEAD"])).refs["HEAD"] == head
    await mirror.close()
    await mirror.fetch({"HEAD": head})
    assert (await mirror.blobs((await mirror.tree(head)).files.values())).popitem()[1] == b"b"


@pytest.mark.parametrize("damage", ["objects", "refs", "HEAD", "pack", "shallow"])
async def test_a_damaged_cache_is_made_again(origin: Origin, mirror_of: MakeMirror, damage: str) -> None:
    for number in range(3):
        head = CommitId(origin.commit({f"{i}.yaml": f"{number}{i}" for i in range(200)}))
    mirror = mirror_of(f"file://{origin.path}")
    await mirror.fetch({"HEAD": head})
    await mirror.close()
    target = mirror.directory / damage
    if damage == "HEAD":
        target.write_text("garbage")
    elif damage == "pack":
        for path in (mirror.directory / "objects/pack").iterdir():
            path.chmod(0o600)
            path.write_bytes(path.read_bytes()[:100])
    elif damage == "shallow":
        target.write_text("garbage")
    else:
        shutil.rmtree(target)
    head = CommitId(origin.commit({"0.yaml": "new"}))
    await mirror.fetch({"HEAD": head})
    tree = await mirror.tree(head)
    assert len(tree.files) == 200
    assert (await mirror.blobs([tree.files["0.yaml"]])).popitem()[1] == b"new"


async def test_many_and_large_files_come_through_one_child(origin: Origin, mirror_of: MakeMirror) -> None:
    large = bytes(range(256)) * 20_000
    head = CommitId(origin.commit({**{f"d{i % 7}/{i}.yaml": f"{i}" * 50 for i in range(2000)}, "large": large}))
    mirror = mirror_of(origin.path)
    await mirror.fetch({"HEAD": head})
    tree = await mirror.tree(head)
    contents = await mirror.blobs(tree.files.values())
    assert contents[tree.files["large"]] == large
    assert all(contents[tree.files[f"d{i % 7}/{i}.yaml"]] == f"{i}".encode() * 50 for i in range(2000))
    assert await mirror.blobs([]) == {}


async def test_a_missing_blob_is_an_error_and_the_next_request_works(origin: Origin, mirror_of: MakeMirror) -> None:
    head = CommitId(origin.commit({"a.yaml": "a"}))
    mirror = mirror_of(origin.path)
    await mirror.fetch({"HEAD": head})
    with pytest.raises(Exception, match="files are missing"):
        await mirror.blobs([BlobId("0" * 39 + "1")])
    assert (await mirror.tree(head)).files


async def test_hooks_and_the_repo_of_a_surrounding_hook_are_left_alone(
    origin: Origin, mirror_of: MakeMirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = CommitId(origin.commit({"a.yaml": "a"}))
    other = Path(git(tmp_path, "init", "--quiet", "--template=", "other") or tmp_path / "other" / ".git")
    monkeypatch.setenv("GIT_DIR", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / "none"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other / "objects"))
    mirror = mirror_of(origin.path)
    await mirror.fetch({"HEAD": head})
    assert list((await mirror.tree(head)).files) == ["a.yaml"]
    assert not any((other / "objects").glob("??"))


async def test_a_killed_fetch_leaves_nothing_that_is_trusted(origin: Origin, mirror_of: MakeMirror) -> None:
    head = CommitId(origin.commit({"a.yaml": "a"}))
    mirror = mirror_of(origin.path)
    await mirror.make()
    content = git(origin.path, "cat-file", "commit", head)
    git(mirror.directory, "hash-object", "-t", "commit", "-w", "--stdin", input=content.encode() + b"\n")
    await mirror.fetch({"HEAD": head})
    assert list((await mirror.tree(head)).files) == ["a.yaml"]
    assert git(mirror.directory, "rev-parse", tracker("HEAD")) == head


async def test_a_commit_that_is_not_handed_out_by_its_id_is_found_in_the_history(
    origin: Origin, mirror_of: MakeMirror, bare_user: Path
) -> None:
    first = CommitId(origin.commit({"a.yaml": "1"}))
    origin.commit({"a.yaml": "2"})
    with (bare_user / ".gitconfig").open("a") as config:
        config.write("[protocol]\n\tversion = 0\n")
    mirror = mirror_of(f"file://{origin.path}")
    assert await mirror.fetch({first: first}) == {first: first}
    assert (await mirror.blobs((await mirror.tree(first)).files.values())).popitem()[1] == b"1"
    unknown = CommitId("1" * 40)
    with pytest.raises(UsageError, match="no commit 111111111111"):
        await mirror.fetch({unknown: unknown})


async def test_a_failure_of_the_remote_does_not_cost_the_copy(origin: Origin, mirror_of: MakeMirror) -> None:
    head = CommitId(origin.commit({"a.yaml": "1"}))
    mirror = mirror_of(origin.path)
    await mirror.fetch({"HEAD": head})
    new = CommitId(origin.commit({"a.yaml": "2"}))
    blob = git(origin.path, "rev-parse", f"{new}:a.yaml")
    (origin.path / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(ToolFailed):
        await mirror.fetch({"HEAD": new})
    assert list((await mirror.tree(head)).files) == ["a.yaml"]


async def test_a_repo_with_sha256_ids_is_read_and_written(tmp_path: Path, mirror_of: MakeMirror) -> None:
    wide = tmp_path / "wide"
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "--initial-branch=main", str(wide))
    (wide / "a.yaml").write_text("a")
    git(wide, "add", "a.yaml")
    git(wide, "commit", "--quiet", "--message=x")
    mirror = mirror_of(wide)
    head = (await mirror.ls_remote(["HEAD"])).refs["HEAD"]
    assert len(head) == 64
    await mirror.fetch({"HEAD": head})
    tree = await mirror.tree(head)
    assert (await mirror.blobs(tree.files.values())).popitem()[1] == b"a"
    author = Author("a", "a@example.com", datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    (new,) = await commit(mirror, [Draft("other", head, {"b": b"b"}, "m")], author)
    assert await push(mirror, [Update("refs/heads/other", None, new)]) == {}
    assert git(wide, "ls-tree", "--name-only", "other").split() == ["a.yaml", "b"]


async def test_many_packs_become_few(origin: Origin, mirror_of: MakeMirror) -> None:
    mirror = mirror_of(origin.path)
    await mirror.make()
    packs = mirror.directory / "objects" / "pack"
    for number in range(52):
        (origin.work / "a.txt").write_text(str(number))
        blob = git(origin.work, f"--git-dir={mirror.directory}", "hash-object", "-w", "a.txt")
        git(mirror.directory, "pack-objects", "-q", str(packs / "pack"), input=blob.encode())
    await mirror.tidy()
    assert len(list(packs.glob("*.pack"))) < 5
