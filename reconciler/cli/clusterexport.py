"""`reconciler cluster export`: facts of the hub's clusters, or of the declared ones, into files of the fleet repo."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from reconciler.adapters.files import Directory
from reconciler.cli import clusterfile, options
from reconciler.cli.clusterview import environment_of
from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import UsageError
from reconciler.model.settings import Access, Settings
from reconciler.model.snapshot import Snapshot
from reconciler.model.tree import Tree
from reconciler.registry import export as wire
from reconciler.sync.asking import questions
from reconciler.sync.clients import Clients
from reconciler.sync.options import Options
from reconciler.sync.reach import reaching
from reconciler.sync.reading import OpenWorkTree, is_work_tree


class File(msgspec.Struct, frozen=True):
    """One file, and what became of it."""

    cluster: str
    path: str
    done: str
    """`written`, `unchanged` or `removed`."""


class Exported(msgspec.Struct, frozen=True):
    """What the export did."""

    files: tuple[File, ...]
    silent: Mapping[str, str] = {}
    """Why clusters could not be asked, by name."""
    complete: bool = True
    """Everybody answered whose answer the commit depends on."""


async def export(given: dict[str, Any]) -> Exported:
    """Ask, and write what is new."""
    asked = Options(
        repo=given["repo"], cache=options.cache_directory(), environment=environment_of(given), home=Path.home()
    )
    if not is_work_tree(asked):
        raise UsageError(
            "no-work-tree", f"{given['repo']} is no work tree, so that no file can be written", "git clone"
        )
    worktree = OpenWorkTree(asked)
    tree = await worktree.files.tree()
    settings = _settings(await worktree.library.settings(tree), given["parent_context"])
    snapshot = await worktree.library.snapshot(tree, settings)
    async with contextlib.aclosing(Clients()) as clients, reaching(asked, settings, clients) as reach:
        known, silent = await reach.everything(snapshot)
    desk = _Desk(snapshot, tree, Path(given["repo"]), given["out"].strip("/"))
    parent = settings.clusters.source == "parent"
    if not parent:
        known = {i: cluster for i, cluster in known.items() if i not in silent}
    living = {i: cluster for i, cluster in known.items() if not cluster.deleting}
    files = [desk.write(desk.remembering(one, i in silent), parent=parent) for i, one in sorted(living.items())]
    if parent:
        files += desk.remove(living.keys())
    names = {i: snapshot.clusters[i].value.name if i in snapshot.clusters else known[i].name for i in silent}
    ordered = tuple(sorted(files, key=lambda file: (file.cluster, file.path)))
    needed = questions(snapshot, known).clusters if parent else silent
    return Exported(
        ordered, {names[i]: silence.why for i, silence in silent.items()}, complete=not silent.keys() & set(needed)
    )


def _settings(settings: Settings, parent: str | None) -> Settings:
    if not parent:
        return settings
    clusters = msgspec.structs.replace(settings.clusters, source="parent", parent=Access(context=parent))
    return msgspec.structs.replace(settings, clusters=clusters)


class _Desk:
    """The files of the repo."""

    def __init__(self, snapshot: Snapshot, tree: Tree, top: Path, out: str) -> None:
        self._declared = snapshot.clusters
        self._paths = set(tree.files)
        self._directory = Directory(top)
        self._out = out

    def remembering(self, cluster: ClusterFacts, silent: bool) -> ClusterFacts:
        """The facts; of a cluster that did not answer with what an earlier export says of its nodes and kinds."""
        before = self._declared.get(cluster.id)
        if not silent or before is None:
            return cluster
        old = before.value
        return msgspec.structs.replace(cluster, nodes=old.nodes, running=old.running, apis=old.apis)

    def write(self, cluster: ClusterFacts, *, parent: bool) -> File:
        """Bring one cluster's file up to date."""
        wanted = wire.copy(cluster) if parent else {"status": wire.status(cluster)}
        declared = self._declared.get(cluster.id)
        if declared is None:
            path = self._free(cluster)
            self._directory.write(path, clusterfile.new(wanted).encode())
            return File(cluster.name, path, "written")
        path, value = declared.place.path, declared.value
        if (wire.copy(value) if parent and value.exported else {"status": wire.status(value)}) == wanted:
            return File(cluster.name, path, "unchanged")
        before = (self._directory.read(path) or b"").decode()
        if parent and before == clusterfile.new(wire.copy(value)):
            after = clusterfile.new(wanted)  # nobody wrote anything beside the last export
        else:
            after = _edited(path, before, value, wanted)
        if after == before:
            return File(cluster.name, path, "unchanged")
        self._directory.write(path, after.encode())
        return File(cluster.name, path, "written")

    def remove(self, living: Any) -> list[File]:
        """Copies of clusters that the hub does not know any more go, where they have a file of their own."""
        gone = []
        for cluster, sourced in self._declared.items():
            path = sourced.place.path
            shared = sum(other.place.path == path for other in self._declared.values()) > 1
            if cluster not in living and sourced.value.exported and not shared:
                self._directory.delete(path)
                gone.append(File(sourced.value.name, path, "removed"))
        return gone

    def _free(self, cluster: ClusterFacts) -> str:
        """A path that no file has."""
        for stem in (cluster.name, f"{cluster.namespace}-{cluster.name}", cluster.id):
            path = f"{self._out}/{stem}.yaml" if self._out not in ("", ".") else f"{stem}.yaml"
            if path not in self._paths and self._directory.read(path) is None:
                self._paths.add(path)
                return path
        raise UsageError("path-taken", f"{self._out} holds files of the name of cluster {cluster.name}", "--out DIR")


def _edited(path: str, before: str, value: ClusterFacts, wanted: Mapping[str, Any]) -> str:
    try:
        return clusterfile.edited(before, value.namespace, value.name, wanted)
    except UsageError as error:
        raise UsageError(error.code, f"{path}: {error.message}", error.hint) from error
