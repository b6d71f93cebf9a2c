"""Kubeconfig files: read, made absolute, merged as kubectl merges them.

A name that two files define keeps the whole definition of the first. Of single values (the current context) the first
file that has one decides. Files that do not exist are passed over when several are named.
"""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from reconciler.model.errors import UsageError

Section = Mapping[str, Mapping[str, Any]]


class Config(msgspec.Struct, frozen=True):
    """One or several kubeconfig files as one; paths in it are absolute."""

    source: str
    """What messages call it."""
    current: str = ""
    contexts: Section = {}
    clusters: Section = {}
    users: Section = {}

    def __repr__(self) -> str:
        return f"Config({self.source})"


class _Scalars(yaml.CSafeLoader):
    """Numbers and dates stay text, as every value of a kubeconfig is text, a truth value or nothing."""


_KEPT = {"tag:yaml.org,2002:null", "tag:yaml.org,2002:bool"}
_Scalars.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in _KEPT]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def load(paths: Sequence[Path]) -> Config:
    """Several files as one. UsageError when none exists, or one cannot be read."""
    found = [path for path in paths if path.exists()]
    names = ":".join(str(path) for path in paths)
    if not found:
        raise UsageError("no-kubeconfig", f"there is no kubeconfig at {names}", "set KUBECONFIG, or use --kubeconfig")
    files = []
    for path in found:
        try:
            files.append(_parse(path.read_bytes(), str(path), path.absolute().parent))
        except OSError as error:
            raise UsageError("bad-kubeconfig", f"{path} cannot be read: {error.strerror}") from error
    return _merge(files, names)


def load_text(text: str, source: str) -> Config:
    """A kubeconfig from memory; relative paths start at the working directory."""
    return _parse(text.encode(), source, Path.cwd())


def _merge(files: Sequence[Config], source: str) -> Config:
    contexts: dict[str, Mapping[str, Any]] = {}
    clusters: dict[str, Mapping[str, Any]] = {}
    users: dict[str, Mapping[str, Any]] = {}
    for file in reversed(files):
        contexts |= file.contexts
        clusters |= file.clusters
        users |= file.users
    current = next((file.current for file in files if file.current), "")
    return Config(source, current, contexts, clusters, users)


@functools.lru_cache(maxsize=8)
def _parse(content: bytes, source: str, directory: Path) -> Config:
    """Once for all clusters whose contexts are in it; whoever asks has read the file anew."""
    try:
        # A SafeLoader's subclass that knows fewer types than it.
        document = yaml.load(content, Loader=_Scalars) or {}  # noqa: S506
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{source}:{mark.line + 1}" if mark else source
        raise UsageError(
            "bad-kubeconfig", f"{where} is not YAML: {getattr(error, 'problem', None) or 'bad text'}"
        ) from None
    if not isinstance(document, dict):
        raise UsageError("bad-kubeconfig", f"{source} is no kubeconfig")
    return Config(
        source,
        _text(document.get("current-context"), source, "current-context"),
        _section(document, "contexts", "context", source),
        _section(document, "clusters", "cluster", source, _absolute(directory, "certificate-authority")),
        _section(
            document, "users", "user", source, _absolute(directory, "client-certificate", "client-key", "tokenFile")
        ),
    )


def _section(
    document: Mapping[str, Any], plural: str, singular: str, source: str, resolve: "_Resolve | None" = None
) -> Section:
    section: dict[str, Mapping[str, Any]] = {}
    for item in document.get(plural) or ():
        body = item.get(singular) if isinstance(item, dict) else None
        if not isinstance(body, dict | None) or not isinstance(item, dict):
            raise UsageError("bad-kubeconfig", f"{source}: an entry of {plural} is not what a kubeconfig has there")
        name = _text(item.get("name"), source, f"{plural}[].name")
        if name in section:
            raise UsageError("bad-kubeconfig", f"{source}: {plural} has {name!r} twice")
        section[name] = resolve(body or {}) if resolve else body or {}
    return section


class _Resolve:
    """Makes the paths of an entry absolute; the command of a plugin only where it is a path with a slash in it."""

    def __init__(self, directory: Path, fields: tuple[str, ...]) -> None:
        self._directory = directory
        self._fields = fields

    def __call__(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        paths: dict[str, Any] = {name: str(self._directory / body[name]) for name in self._fields if body.get(name)}
        plugin = body.get("exec")
        if isinstance(plugin, dict) and "/" in (plugin.get("command") or ""):
            paths["exec"] = plugin | {"command": str(self._directory / plugin["command"])}
        return {**body, **paths}


def _absolute(directory: Path, *fields: str) -> _Resolve:
    return _Resolve(directory, fields)


def _text(value: Any, source: str, where: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UsageError("bad-kubeconfig", f"{source}: {where} is not text; quote it")
    return value
