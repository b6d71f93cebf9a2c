"""What only shows when objects are compared: with each other, with the settings, and with what is supported.

Each check is a generator of findings over everything that was gathered; none of them changes anything but `identities`,
which is the one judge of which ManagedClusters can be told apart.
"""

from collections.abc import Iterator, Mapping

import msgspec

from reconciler.model.clusters import ClusterFacts
from reconciler.model.snapshot import Place, Problem, Sourced
from reconciler.source import (
    applying,
    exports,
    feeds,
    hints,
    kinds,
    layout,
    ordering,
    overrides,
    rollouts,
    subscriptions,
    tenants,
)
from reconciler.source.concerns import Deliveries
from reconciler.source.gather import Finding, Gathered
from reconciler.source.references import References
from reconciler.source.rules import problem

_SETTINGS = Place(layout.SETTINGS_PATH)


def findings(gathered: Gathered, delivered: Deliveries, paths: tuple[str, ...]) -> Iterator[Finding]:
    """All problems of the repo as a whole. `paths` are the files that were read."""
    yield from subscriptions.check(gathered)
    yield from applying.check(gathered)
    yield from ordering.check(gathered)
    references = References(gathered)
    wrong_feeds = tuple(feeds.check(gathered, references))
    yield from wrong_feeds
    if wrong_feeds:
        # what a wrong feed was meant to deliver is not known, so nothing is said to be undelivered
        delivered = msgspec.structs.replace(delivered, complete=False)
    yield from overrides.check(gathered, delivered, references)
    yield from exports.check(gathered, delivered, references)
    for found in _settings(gathered, paths):
        yield Finding(found)


def identities(gathered: Gathered) -> Mapping[str, Sourced[ClusterFacts]]:
    """Declared clusters by id. Clusters that share an id or a name are told, and none of them is used."""
    ambiguous: set[str] = set()
    first_by: dict[tuple[str, str], Sourced[ClusterFacts]] = {}
    for cluster in gathered.clusters:
        facts = cluster.value
        for sort, word, field in (("id", facts.id, ("spec", "clusterId")), ("name", facts.name, ("metadata", "name"))):
            first = first_by.setdefault((sort, word), cluster)
            if first is cluster:
                continue
            ambiguous |= {facts.id, first.value.id}
            message = f"the ManagedClusters {first.value.binding} and {facts.binding} have the same {sort} '{word}'"
            hint = f"The other one is in {first.place.path}; a cluster is known by its id, delivered to by its name."
            found = gathered.problem("duplicate-cluster", cluster.place, field, message, hint)
            gathered.found(kinds.DECLARED, [found])
    return {found.value.id: found for found in gathered.clusters if found.value.id not in ambiguous}


def _settings(gathered: Gathered, paths: tuple[str, ...]) -> Iterator[Problem]:
    for index, root in enumerate(gathered.settings.roots):
        roots = (layout.normal(root),)
        if not any(layout.in_roots(path, roots) for path in paths):
            yield problem("root-empty", _SETTINGS, ("roots", index), f"root '{root}' holds no files that are read")
    yield from tenants.unused(gathered)
    yield from rollouts.unused(gathered)
    clusters = gathered.settings.clusters
    if clusters.source == "parent":
        if clusters.access:
            message = "clusters.access has no effect: clusters come from a parent, which holds their credentials"
            yield problem("ignored-field", _SETTINGS, ("clusters", "access"), message)
        for cluster in (declared for declared in gathered.clusters if not declared.value.exported):
            message = f"the ManagedCluster '{cluster.value.name}' is not used: clusters come from a parent"
            yield gathered.problem("cluster-unused", cluster.place, ("metadata", "name"), message)
        return
    yield from _access(gathered)


def _access(gathered: Gathered) -> Iterator[Problem]:
    access = gathered.settings.clusters.access
    declared = {cluster.value.name: cluster for cluster in gathered.clusters}
    metadata = (body.get("metadata") for body in gathered.broken)
    broken = {str(one.get("name")) for one in metadata if isinstance(one, Mapping)}
    for name in access:
        if name not in declared and name not in broken:
            hint = hints.did_you_mean(name, declared)
            yield problem(
                "access-unknown", _SETTINGS, ("clusters", "access", name), f"no cluster '{name}' is declared", hint
            )
    if gathered.settings.delivery.to != "clusters":
        return
    for name, cluster in declared.items():
        if name not in access:
            message = f"fleet.yaml does not say how to reach the cluster '{name}'"
            hint = hints.did_you_mean(name, access.keys() - declared.keys())
            hint = hint or f"Add `{name}: {{context: …}}` below `clusters.access` in fleet.yaml."
            yield gathered.problem("access-missing", cluster.place, ("metadata", "name"), message, hint)
