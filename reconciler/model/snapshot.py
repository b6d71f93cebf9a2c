"""Everything that one tree says: every object with its place, every problem with a hint."""

import enum
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec

from reconciler.model.authored import (
    Feed,
    Globalization,
    HelmChart,
    Localization,
    Subscription,
)
from reconciler.model.clusters import ClusterFacts
from reconciler.model.inflation import Build, Seal
from reconciler.model.objects import BlobId, Object, ObjectKey
from reconciler.model.settings import Settings

T = TypeVar("T")


class Place(msgspec.Struct, frozen=True, order=True):
    """Where an object stands: file, document in it (from 0), index in a `List` (or -1)."""

    path: str
    document: int = 0
    item: int = -1

    def within(self, *field: str | int) -> tuple[str | int, ...]:
        """The path inside the document of a field of the object that stands here."""
        return ("items", self.item, *field) if self.item >= 0 else field


class Severity(enum.StrEnum):
    """An error makes the thing it concerns undeliverable; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Problem(msgspec.Struct, frozen=True, order=True):
    """Something the repo says wrong: what, where, why, and what to do."""

    place: Place
    field: tuple[str | int, ...]
    """Path inside the document, as far as it exists; empty for the document itself."""
    rule: str
    """Stable kebab-case id of the rule that was broken."""
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR
    line: int = 0
    """From 1; 0 until `source.locate` has looked."""
    column: int = 0
    """From 1."""
    concerns: tuple[str, ...] = ()
    """`namespace/name` of the Subscriptions that cannot be delivered because of it."""


class Resource(msgspec.Struct, frozen=True):
    """An object of the repo that a Subscription may name as a feed."""

    place: Place
    key: ObjectKey
    api_version: str
    body: Object
    digest: str
    """`digest_of` the body; of a template, digest of its text."""
    template: str = ""
    """Path of the template that makes the object on each cluster; `body` then holds only what identifies it."""
    seal: Seal | None = None
    """Of an encrypted object; its body then holds encrypted values."""


class NamedFeed(msgspec.Struct, frozen=True):
    """One feed of a Subscription: listed, or found by a directory, a selector or a kustomization that it names."""

    feed: Feed
    field: tuple[str | int, ...]
    """Where the Subscription says so, inside the object: `("spec", "feeds", 0)`, or an annotation."""
    via: str = ""
    """Directory of the kustomization that builds the object."""


class Template(msgspec.Struct, frozen=True):
    """A `*.yaml.j2` file: the objects of it are made for each cluster."""

    path: str
    text: str
    digest: str


class Sourced(msgspec.Struct, Generic[T], frozen=True):
    """An authored object and its place."""

    place: Place
    value: T


class Snapshot(msgspec.Struct, frozen=True):
    """All that one tree says. Mappings are in sorted order of their keys."""

    settings: Settings
    subscriptions: Mapping[str, Sourced[Subscription]]
    """By `namespace/name`."""
    localizations: tuple[Sourced[Localization], ...]
    globalizations: tuple[Sourced[Globalization], ...]
    charts: Mapping[str, Sourced[HelmChart]]
    """By `namespace/name`."""
    clusters: Mapping[str, Sourced[ClusterFacts]]
    """Declared clusters, by cluster id."""
    resources: Mapping[ObjectKey, Resource]
    problems: tuple[Problem, ...]
    values: Mapping[str, Any] = {}
    """What the value texts of overrides mean, by text. A text that is not one good YAML document is absent."""
    feeds: Mapping[str, tuple[NamedFeed, ...]] = {}
    """All feeds of every Subscription, by its name; directories, selectors and kustomizations opened."""
    built: Mapping[str, Mapping[ObjectKey, Resource]] = {}
    """Objects of kustomizations, by directory."""
    wanted: tuple[Build, ...] = ()
    """Kustomizations that feeds name and that are not built yet: the snapshot is read again with the answers."""
    templates: Mapping[str, Template] = {}
    """By path."""
    files: Mapping[str, BlobId] = {}
    """Every file of the tree, for charts that lie in it."""
    data: Mapping[str, Any] = {}
    """Values files for templates that exist, read, by path."""

    def __repr__(self) -> str:
        return f"Snapshot({len(self.subscriptions)} subscriptions, {len(self.resources)} resources)"

    def resource(self, named: NamedFeed) -> Resource | None:
        """The object that a feed means; None when there is none of that API version."""
        found = self.built.get(named.via, {}) if named.via else self.resources
        resource = found.get(named.feed.object)
        return resource if resource is not None and resource.api_version == named.feed.api_version else None

    @property
    def clean(self) -> bool:
        """True when nothing in the repo is an error, so that what is absent was removed on purpose."""
        return not any(problem.severity is Severity.ERROR for problem in self.problems)
