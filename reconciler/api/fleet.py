"""A fleet repo as a value: its problems, its clusters, where everything goes, and what every cluster gets.

A Fleet never changes. `with_labels`, `with_cluster` and `without_cluster` answer another one, read from the same files,
for tests of what would happen.
"""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from reconciler.adapters.git.revision import Revision, commit_revision
from reconciler.api import story
from reconciler.model.clusters import ClusterFacts, facts_of
from reconciler.model.errors import UsageError
from reconciler.model.feed import RenderedFeed
from reconciler.model.objects import Object
from reconciler.model.snapshot import Problem
from reconciler.sync.worklist import Evaluated


class NoSuchObject(LookupError):
    """A cluster does not get the object that was asked for."""


def read(path: str | Path = ".", *, revision: str | None = None, directory: str = "", offline: bool = True) -> "Fleet":
    """Read a fleet repo: the files of a path as they lie there, or a commit.

    `path` is a directory or a URL as git knows it; `revision` a branch, commit id or `refs/tags/NAME`; `directory` is
    where `fleet.yaml` stands in the repo. `offline` asks no server: no charts, no parent. What is wrong with the repo
    stands in `problems`; exceptions are those of `reconciler.model.errors`: no usable `fleet.yaml`, no such revision.
    """
    return Fleet(story.source(str(path), _revision(revision), path=directory, offline=offline))


def _revision(name: str | None) -> Revision:
    if name is None:
        return Revision()
    if name.startswith("refs/tags/"):
        return Revision("tag", name.removeprefix("refs/tags/"))
    try:
        return commit_revision(name)
    except UsageError:
        return Revision("branch", name.removeprefix("refs/heads/"))


class Fleet:
    """All that a fleet repo says, scheduled and rendered over its clusters when that is first asked for."""

    def __init__(self, source: story.Source) -> None:
        """Made by `read`."""
        self._source = source

    @functools.cached_property
    def _evaluated(self) -> Evaluated:
        return story.evaluated(self._source)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that `reconciler check` tells, with file, line and hint."""
        return self._evaluated.problems

    @functools.cached_property
    def clusters(self) -> Mapping[str, ClusterFacts]:
        """What is known of each cluster, by name."""
        return dict(sorted((facts.name, facts) for facts in self._source.facts.values()))

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """Names of all Subscriptions, `namespace/name`."""
        return tuple(self._source.snapshot.subscriptions)

    def schedule(self) -> dict[str, dict[str, dict[str, int]]]:
        """Where everything goes: Subscription -> cluster name -> replicas by feed (`apps/v1/Deployment/web/web`).

        Without replicas where nothing is divided; a Subscription with problems is absent.
        """
        facts = self._source.facts
        return {
            name: {facts[placement.cluster].name: dict(placement.replicas) for placement in scheduled.placements}
            for name, scheduled in self._evaluated.schedule.subscriptions.items()
        }

    def render(
        self, cluster: str | None = None, subscription: str | None = None
    ) -> dict[tuple[str, str], list[dict[str, Any]]]:
        """What is delivered: objects by (Subscription, cluster name), in order of their names.

        Of encrypted objects what the file holds: structure in clear, values encrypted.
        """
        wanted = self._cluster(cluster).id if cluster is not None else None
        return {
            (unit.subscription, self._source.facts[unit.cluster].name): _objects(feed)
            for unit, feed in self._evaluated.feeds.units.items()
            if wanted in (None, unit.cluster) and subscription in (None, *_names(unit.subscription))
        }

    def objects(self, cluster: str) -> list[dict[str, Any]]:
        """All objects of one cluster."""
        return [body for bodies in self.render(cluster).values() for body in bodies]

    def object(self, cluster: str, kind: str, name: str, namespace: str | None = None) -> dict[str, Any]:
        """One object of a cluster; NoSuchObject when it does not get exactly one of that kind and name."""
        found = [body for body in self.objects(cluster) if _is(body, kind, name, namespace)]
        if len(found) != 1:
            where = f"{namespace}/{name}" if namespace is not None else name
            raise NoSuchObject(f"{cluster} gets {len(found) or 'no'} {kind} {where}")
        return found[0]

    def with_labels(self, cluster: str, labels: Mapping[str, str | None]) -> "Fleet":
        """The fleet where a cluster has other labels: these are added or changed, None takes one away."""
        facts = self._cluster(cluster)
        changed = {key: value for key, value in {**facts.labels, **labels}.items() if value is not None}
        return self.with_facts(msgspec.structs.replace(facts, labels=changed))

    def with_cluster(self, managed_cluster: Mapping[str, Any]) -> "Fleet":
        """The fleet with one more cluster, given as a ManagedCluster object."""
        return self.with_facts(facts_of(managed_cluster))

    def with_facts(self, *clusters: ClusterFacts) -> "Fleet":
        """The fleet where these clusters are as is said here; new ones join it."""
        return self._over({**self._source.facts, **{facts.id: facts for facts in clusters}})

    def without_cluster(self, *names: str) -> "Fleet":
        """The fleet without some of its clusters."""
        gone = {self._cluster(name).id for name in names}
        return self._over({i: facts for i, facts in self._source.facts.items() if i not in gone})

    def _over(self, facts: Mapping[str, ClusterFacts]) -> "Fleet":
        return Fleet(msgspec.structs.replace(self._source, facts=dict(sorted(facts.items()))))

    def _cluster(self, name: str) -> ClusterFacts:
        if name not in self.clusters:
            raise UsageError("unknown-cluster", f"no cluster {name} in this fleet", f"there are: {list(self.clusters)}")
        return self.clusters[name]


def _names(subscription: str) -> tuple[str, str]:
    return subscription, subscription.partition("/")[2]


def _objects(feed: RenderedFeed) -> list[dict[str, Any]]:
    return [dict(rendered.body) for rendered in feed.objects]


def _is(body: Object, kind: str, name: str, namespace: str | None) -> bool:
    metadata = body["metadata"]
    return (body["kind"], metadata["name"]) == (kind, name) and namespace in (None, metadata.get("namespace"))
