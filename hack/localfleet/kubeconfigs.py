"""Kubeconfig files: one for a single user, and merging contexts into a file that belongs to somebody else.

Merging works on the YAML nodes, not on values: what other tools wrote keeps its types and its text to the letter.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from localfleet.failures import FleetError, UsageError
from localfleet.waiting import wait_until

_OWNED = "localfleet-"
_EMPTY = "apiVersion: v1\nkind: Config\nclusters: []\nusers: []\ncontexts: []\ncurrent-context: ''\n"


@dataclass(frozen=True)
class Access:
    """How one context reaches one cluster; `owner` names its cluster and user entries."""

    context: str
    owner: str
    server: str
    ca: bytes
    certificate: bytes
    key: bytes

    @property
    def entry(self) -> str:
        return _OWNED + self.owner


def document(access: Access) -> dict[str, Any]:
    """A kubeconfig with this one context, credentials inside."""
    cluster = {"server": access.server, "certificate-authority-data": _data(access.ca)}
    user = {"client-certificate-data": _data(access.certificate), "client-key-data": _data(access.key)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": access.entry, "cluster": cluster}],
        "users": [{"name": access.entry, "user": user}],
        "contexts": [{"name": access.context, "context": {"cluster": access.entry, "user": access.entry}}],
        "current-context": access.context,
    }


def write(path: Path, access: Access) -> None:
    """Write a kubeconfig of our own, readable for its owner only."""
    _replace(path, yaml.safe_dump(document(access), sort_keys=False))


def merge(path: Path, accesses: Iterable[Access]) -> None:
    """Put these contexts into `path`; `UsageError` if one of the names is taken by a context that is not ours."""
    with _kubectl_lock(path):
        text = path.read_text() if path.exists() else _EMPTY
        merged = merged_text(text, list(accesses), str(path))
        if merged != text or not path.exists():
            _replace(path, merged)


def remove(path: Path, owners: Iterable[str]) -> None:
    """Take the contexts of these owners out of `path`; a file left without any context goes as well."""
    if not path.exists():
        return
    with _kubectl_lock(path):
        text = path.read_text()
        rest = removed_text(text, {_OWNED + owner for owner in owners})
        if rest is None:
            path.unlink()
        elif rest != text:
            _replace(path, rest)


def merged_text(text: str, accesses: list[Access], where: str) -> str:
    """`text` with our entries replaced or added, and a current context if it had none."""
    root = _root(text, where)
    for access in accesses:
        owner = _cluster_of(root, access.context)
        if owner is not None and owner != access.entry:
            raise UsageError(
                f"{where} has a context {access.context!r} that is not of this fleet; "
                "choose another fleet with --name or another file with --kubeconfig"
            )
        _drop(root, {access.entry})
        added = document(access)
        for kind in ("clusters", "users", "contexts"):
            _items(root, kind).extend(_node(added[kind]).value)
    if accesses and not _scalar(root, "current-context"):
        _set(root, "current-context", accesses[0].context)
    return yaml.serialize(root)


def removed_text(text: str, entries: set[str]) -> str | None:
    """`text` without these entries; None if nothing of anybody is left in it."""
    root = _root(text, "kubeconfig")
    gone = _drop(root, entries)
    if not gone:
        return text
    if not any(_items(root, kind) for kind in ("clusters", "users", "contexts")):
        return None
    if _scalar(root, "current-context") in gone:
        _set(root, "current-context", "")
    return yaml.serialize(root)


def _root(text: str, where: str) -> yaml.MappingNode:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader) or yaml.compose(_EMPTY, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise UsageError(f"{where} cannot be read: {error}") from error
    if not isinstance(root, yaml.MappingNode):
        raise UsageError(f"{where} is not a kubeconfig")
    return root


def _items(root: yaml.MappingNode, kind: str) -> list[yaml.Node]:
    """The entries of one kind, to be changed in place; a missing or null list becomes an empty one."""
    for i, (key, value) in enumerate(root.value):
        if key.value == kind:
            if not isinstance(value, yaml.SequenceNode):
                value = yaml.SequenceNode("tag:yaml.org,2002:seq", [])
                root.value[i] = (key, value)
            value.flow_style = False if not root.flow_style else value.flow_style
            items: list[yaml.Node] = value.value
            return items
    _set(root, kind, [])
    return _items(root, kind)


def _drop(root: yaml.MappingNode, entries: set[str]) -> set[str]:
    """Remove the entries and the contexts on them; the names of those contexts."""
    gone = {_scalar(node, "name") for node in _items(root, "contexts") if _context_cluster(node) in entries}
    for kind, names in (("clusters", entries), ("users", entries), ("contexts", gone)):
        items = _items(root, kind)
        items[:] = [node for node in items if _scalar(node, "name") not in names]
    return gone


def _cluster_of(root: yaml.MappingNode, context: str) -> str | None:
    for node in _items(root, "contexts"):
        if _scalar(node, "name") == context:
            return _context_cluster(node)
    return None


def _context_cluster(node: yaml.Node) -> str:
    inner = _child(node, "context")
    return _scalar(inner, "cluster") if inner else ""


def _child(node: yaml.Node, key: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _scalar(node: yaml.Node, key: str) -> str:
    found = _child(node, key)
    return str(found.value) if isinstance(found, yaml.ScalarNode) else ""


def _set(root: yaml.MappingNode, key: str, value: object) -> None:
    root.value[:] = [(name, old) for name, old in root.value if name.value != key] + _node({key: value}).value


def _node(value: Mapping[str, object] | list[object]) -> yaml.Node:
    node = yaml.compose(yaml.safe_dump(value, sort_keys=False), Loader=yaml.SafeLoader)
    assert node is not None
    return node


def _data(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _replace(path: Path, text: str) -> None:
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}.new")
    draft.touch(mode=0o600)
    if target.exists():
        draft.chmod(target.stat().st_mode)
    draft.write_text(text)
    draft.replace(target)


@contextmanager
def _kubectl_lock(path: Path) -> Iterator[None]:
    """The lock that `kubectl config` takes, so that neither undoes what the other writes."""
    lock = path.with_name(path.name + ".lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    wait_until(lambda: _created(lock), 10, f"{lock} is held by another program; remove it if none runs")
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _created(lock: Path) -> bool:
    try:
        lock.touch(exist_ok=False)
    except FileExistsError:
        return False
    except OSError as error:
        raise FleetError(f"{lock}: {error.strerror}") from error
    return True
