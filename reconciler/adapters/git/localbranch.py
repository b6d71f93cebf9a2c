"""A branch as a local repo knows it: its own, or what was last fetched of a remote. No network is used."""

from collections.abc import Callable, Mapping
from pathlib import Path

from reconciler.adapters.git.objects import Objects, list_files, tree_at
from reconciler.adapters.git.run import Call, Git
from reconciler.model.objects import CommitId


async def newest(door: Git, repo: Path, branch: str) -> CommitId | None:
    """The newest commit of the branches of that name, local or of a remote; None where there is none, or no repo."""
    patterns = [f"refs/heads/{branch}", f"refs/remotes/*/{branch}"]
    order = ["--sort=-committerdate", "--format=%(objectname) %(refname)"]
    listed = await door.run(Call(["for-each-ref", *order, "--", *patterns], repo, in_hook=True))
    if listed.status != 0:
        return None
    # A pattern also matches what lies below it.
    refs = (line.split(" ", 1) for line in listed.stdout.decode(errors="replace").splitlines())
    return next((CommitId(commit) for commit, ref in refs if ref.endswith(f"/{branch}")), None)


async def files(door: Git, repo: Path, commit: CommitId, wanted: Callable[[str], bool]) -> Mapping[str, bytes]:
    """Files of a commit whose path is wanted, with their contents."""
    objects = Objects(door, repo)
    try:
        root = await tree_at(objects, commit, "")
        listing = (await list_files(objects, root)).files if root else {}
        paths = [path for path in listing if wanted(path)]
        found = await objects.get([listing[path] for path in paths])
        return {path: one.content for path, one in zip(paths, found, strict=True) if one is not None}
    finally:
        await objects.close()
