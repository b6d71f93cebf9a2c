"""What a feed points at: the object, or the best explanation of why there is none."""

from collections.abc import Mapping
from typing import Any

from reconciler.model.authored import Feed
from reconciler.model.objects import ObjectKey, group_of
from reconciler.source import hints, kinds
from reconciler.source.gather import Gathered


class References:
    """Objects of the repo by kind and name, for feeds and overrides. Immutable once built."""

    def __init__(self, gathered: Gathered) -> None:
        """Index everything that a feed may name, and what is broken."""
        charts = {key: s.value.api_version for key, s in ((_chart(name), s) for name, s in gathered.charts.items())}
        files = {**{key: resource.api_version for key, resource in gathered.resources.items()}, **charts}
        built = {key: one.api_version for found in gathered.built.values() for key, one in found.items()}
        self.built = built.keys() - files.keys()
        """Objects that only a kustomization makes."""
        self.versions: Mapping[ObjectKey, str] = {**built, **files}
        self._kustomized = gathered.kustomized
        self._broken = [_parts(body) for body in gathered.broken]
        self._beside: dict[tuple[str, str, str], list[ObjectKey]] = {}
        self._named: dict[str, list[ObjectKey]] = {}
        for key in sorted(self.versions):
            self._beside.setdefault((key.group, key.kind, key.namespace), []).append(key)
            self._named.setdefault(key.name, []).append(key)
        self._unreadable = any(name is None for *_, name in self._broken)

    def is_broken(self, key: ObjectKey) -> bool:
        """Whether the object is in the repo but cannot be used, which another problem tells."""
        have = (key.group, key.kind, key.namespace, key.name)
        return any(
            None not in (parts[1], parts[3])
            and all(want is None or want == has for want, has in zip(parts, have, strict=True))
            for parts in self._broken
        )

    def other_version(self, feed: Feed) -> str:
        """The API version of the object when the feed names another one, or nothing."""
        version = self.versions.get(feed.object, feed.api_version)
        return version if version != feed.api_version else ""

    def missing_hint(self, feed: Feed) -> str:
        """What the author of a feed to nowhere probably meant."""
        wanted = feed.object
        owner = self._kustomized.get((wanted.kind, wanted.name))
        if owner is not None:
            return f"It stands in '{owner}', which belongs to kustomize: name that, with kind Kustomization."
        namesakes = self._named.get(wanted.name, [])
        for key in namesakes:
            if (key.group, key.kind) == (wanted.group, wanted.kind):
                return f"There is {key}: {_namespace_hint(key)}."
        beside = {key.name: key for key in self._beside.get((wanted.group, wanted.kind, wanted.namespace), [])}
        near = hints.nearest(wanted.name, beside)
        if near is not None:
            return f"Did you mean {beside[near]}?"
        return self._other_kind(wanted, [key for key in namesakes if key.namespace == wanted.namespace])

    def _other_kind(self, wanted: ObjectKey, namesakes: list[ObjectKey]) -> str:
        for key in namesakes:
            if key.kind == wanted.kind:
                return f"It is in another group: write `apiVersion: {self.versions[key]}`."
        likely = hints.nearest(wanted.kind, [key.kind for key in namesakes])
        if likely is not None and wanted.kind not in kinds.kinds_of(wanted.group):
            return f"Did you mean the {likely} of this name?"
        return self._unread_hint()

    def _unread_hint(self) -> str:
        return "It may be in a document that could not be read." if self._unreadable else ""


def _namespace_hint(key: ObjectKey) -> str:
    return f"write `namespace: {key.namespace}`" if key.namespace else "remove `namespace`"


def _chart(name: str) -> ObjectKey:
    namespace, _, own = name.partition("/")
    return ObjectKey(kinds.APPS, "HelmChart", namespace, own)


def _parts(body: Mapping[str, Any]) -> tuple[str | None, str | None, str | None, str | None]:
    """Group, kind, namespace and name of a broken object, None for what could not be read."""
    metadata = body.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    texts = [value if isinstance(value, str) else None for value in (body.get("apiVersion"), body.get("kind"))]
    version, kind = texts
    namespace, name = (value if isinstance(value, str) else None for value in map(metadata.get, ("namespace", "name")))
    return (group_of(version) if version is not None else None), kind, namespace, name
