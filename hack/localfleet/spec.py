"""What a fleet should be: its clusters, their nodes, versions and extra flags."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from localfleet.failures import UsageError

DEFAULT_FLEET = "default"
MOST_CLUSTERS = 50
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?")


@dataclass(frozen=True)
class ClusterSpec:
    """One cluster; `index` (0 is the parent) decides its address ranges, so that an address tells its cluster."""

    name: str
    index: int
    nodes: int
    apiserver_flags: tuple[str, ...] = ()

    @property
    def service_cidr(self) -> str:
        return f"10.{100 + self.index}.0.0/16"

    @property
    def first_service_ip(self) -> str:
        return f"10.{100 + self.index}.0.1"

    @property
    def pod_cidr(self) -> str:
        return f"10.{150 + self.index}.0.0/16"


@dataclass(frozen=True)
class FleetSpec:
    """A whole fleet; `versions` maps a family (kubernetes, etcd, kwok) to a version other than the pinned one."""

    name: str
    clusters: tuple[ClusterSpec, ...]
    versions: Mapping[str, str] = field(default_factory=dict)

    def context_of(self, cluster: str) -> str:
        """`parent`, `child1` … for the default fleet; `NAME-parent` … for any other."""
        return cluster if self.name == DEFAULT_FLEET else f"{self.name}-{cluster}"


def checked_name(name: str, what: str) -> str:
    """`name`, if it can be a directory, a context and part of a host name; otherwise `UsageError`."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{what} {name!r}: use lower-case letters, digits and '-', at most 42 characters")
    return name


def default_spec(fleet: str, children: int, nodes: int) -> FleetSpec:
    """A parent without nodes and `children` children with `nodes` nodes each."""
    parent = ClusterSpec("parent", 0, 0)
    rest = tuple(ClusterSpec(f"child{i}", i, nodes) for i in range(1, children + 1))
    return _checked(FleetSpec(checked_name(fleet, "fleet name"), (parent, *rest)))


def resized(spec: FleetSpec, children: int | None, nodes: int | None) -> FleetSpec:
    """`spec` with another number of children (added ones look like the last) or of nodes per child; None keeps."""
    parent, rest = spec.clusters[0], list(spec.clusters[1:])
    if children is not None:
        like = rest[-1].nodes if rest else 2
        rest = rest[:children] + [ClusterSpec(f"child{i}", i, like) for i in range(len(rest) + 1, children + 1)]
    if nodes is not None:
        rest = [replace(child, nodes=nodes) for child in rest]
    return _checked(replace(spec, clusters=(parent, *rest)))


def read_config(path: Path, fleet: str) -> FleetSpec:
    """The fleet that a configuration file describes; the first cluster listed is the parent."""
    try:
        document = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: {error}") from error
    where = str(path)
    top = _mapping(document, where, {"clusters", "versions"})
    entries = top.get("clusters")
    if not isinstance(entries, list) or not entries:
        raise UsageError(f"{where}: clusters: a list with at least the parent is needed")
    clusters = tuple(_cluster(entry, i, where) for i, entry in enumerate(entries))
    versions = _mapping(top.get("versions") or {}, f"{where}: versions", {"kubernetes", "etcd", "kwok"})
    return _checked(FleetSpec(checked_name(fleet, "fleet name"), clusters, {k: str(v) for k, v in versions.items()}))


def _mapping(value: Any, where: str, known: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{where}: a mapping is needed")
    for key in value:
        if key not in known:
            raise UsageError(f"{where}: unknown field {key!r}; known are {', '.join(sorted(known))}")
    return value


def _cluster(entry: Any, index: int, where: str) -> ClusterSpec:
    where = f"{where}: clusters[{index}]"
    fields = _mapping(entry, where, {"name", "nodes", "apiserverFlags"})
    nodes, flags = fields.get("nodes", 0 if index == 0 else 2), fields.get("apiserverFlags", [])
    if isinstance(nodes, bool) or not isinstance(nodes, int) or nodes < 0:
        raise UsageError(f"{where}.nodes: a number of nodes is needed, not {nodes!r}")
    if not isinstance(flags, list) or any(not str(flag).startswith("--") for flag in flags):
        raise UsageError(f"{where}.apiserverFlags: a list of flags like --v=2 is needed")
    return ClusterSpec(checked_name(str(fields.get("name", "")), f"{where}.name"), index, nodes, tuple(map(str, flags)))


def _checked(spec: FleetSpec) -> FleetSpec:
    names = [cluster.name for cluster in spec.clusters]
    if len(names) > MOST_CLUSTERS:
        raise UsageError(f"{len(names)} clusters: only {MOST_CLUSTERS} have address ranges of their own")
    _no_twins(names)
    if any(cluster.nodes < 0 for cluster in spec.clusters):
        raise UsageError("the number of nodes cannot be negative")
    return spec


def _no_twins(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two clusters are called {name!r}")
