"""What an author hardly meant, although it is allowed: overrides that do nothing, or whose order is an accident.

Works on distinct overrides and sets of clusters, never cluster by cluster. Silent while something in the repo cannot be
read, because that may be what is missed here.
"""

from collections.abc import Iterable, Iterator, Mapping

from reconciler.model.authored import LabelSelector
from reconciler.model.clusters import ClusterFacts
from reconciler.model.objects import ObjectKey
from reconciler.model.selectors import LabelIndex
from reconciler.model.snapshot import Place, Problem, Severity, Snapshot
from reconciler.render.effects import Done, Met, effects
from reconciler.render.overrides import Applicable, Layer, Overrides
from reconciler.render.shadows import shadowed
from reconciler.render.ties import ties

_Target = tuple[ObjectKey, str]


def lint(snapshot: Snapshot, facts: Mapping[str, ClusterFacts], overrides: Overrides) -> Iterator[Problem]:
    """All warnings about overrides and selectors. `overrides` are the snapshot's, over the clusters of `facts`."""
    if not facts or not snapshot.clean:
        return
    labels = LabelIndex({name: cluster.labels for name, cluster in facts.items()})
    yield from _selectors(snapshot, labels)
    delivered = _delivered(snapshot, labels, overrides.targets())
    for target, clusters in delivered.items():
        if not clusters:
            continue  # that its Subscriptions select nothing is told of them
        applicable = overrides.targets()[target]
        met = [Met(layer, clusters if layer.reach is None else layer.reach & clusters) for layer in _layers(applicable)]
        yield from _never(target, met)
        effective = [one for one in met if one.clusters and not one.layer.templated]
        if len(effective) > 1 or any(len(one.layer.entries) > 1 for one in effective):
            done = [
                Done(one, entry, effects(entry, snapshot.values)) for one in effective for entry in one.layer.entries
            ]
            yield from ties(done)
            yield from shadowed(done)


def _layers(applicable: Applicable) -> Iterable[Layer]:
    """All layers of an object in order; a Localization for two clusters once."""
    local = {layer.number: layer for layers in applicable.local.values() for layer in layers}
    return (*applicable.general, *(local[number] for number in sorted(local)))


def _selectors(snapshot: Snapshot, labels: LabelIndex) -> Iterator[Problem]:
    for glob in snapshot.globalizations:
        affinity = glob.value.spec.cluster_affinity
        if affinity is not None and not labels.select(affinity):
            field = glob.place.within("spec", "clusterAffinity")
            yield _nothing(glob.place, field, "this Globalization", affinity, labels)
    for sourced in snapshot.subscriptions.values():
        for position, subscriber in enumerate(sourced.value.spec.subscribers):
            if not labels.select(subscriber.cluster_affinity):
                field = sourced.place.within("spec", "subscribers", position, "clusterAffinity")
                yield _nothing(sourced.place, field, "this subscriber", subscriber.cluster_affinity, labels)


def _nothing(
    place: Place, field: tuple[str | int, ...], who: str, selector: LabelSelector, labels: LabelIndex
) -> Problem:
    message = f"{who} matches no cluster{_why(selector, labels)}"
    hint = "Correct the selector, or label a cluster so that it matches."
    return Problem(place, field, "selector-matches-nothing", message, hint, Severity.WARNING)


def _why(selector: LabelSelector, labels: LabelIndex) -> str:
    """The first term that no cluster fulfils, if one alone is to blame."""
    for key, value in sorted((selector.match_labels or {}).items()):
        if not labels.select(LabelSelector(match_labels={key: value})):
            return f": none has the label {key}={value}{_listed(key, labels)}"
    for term in selector.match_expressions or ():
        if not labels.select(LabelSelector(match_expressions=[term])):
            return f": none fits the expression on {term.key}{_listed(term.key, labels)}"
    return ""


def _listed(key: str, labels: LabelIndex) -> str:
    values = labels.values(key)
    return f"; {key} is {', '.join(values[:5])}{' …' if len(values) > 5 else ''} there" if values else ""


def _delivered(snapshot: Snapshot, labels: LabelIndex, targets: Iterable[_Target]) -> dict[_Target, frozenset[str]]:
    """Clusters that the Subscriptions of an object select, for objects with overrides that are delivered at all."""
    wanted = {(key.kind, key.name) for key, _ in targets}
    goes: dict[_Target, list[frozenset[str]]] = {target: [] for target in targets}
    for name, sourced in snapshot.subscriptions.items():
        feeds = [named.feed for named in snapshot.feeds.get(name, ()) if (named.feed.kind, named.feed.name) in wanted]
        found = {target for feed in feeds if (target := (feed.object, feed.api_version)) in goes}
        if found:
            clusters = _union(labels.select(one.cluster_affinity) for one in sourced.value.spec.subscribers)
            for target in found:
                goes[target].append(clusters)
    return {target: _union(sets) for target, sets in sorted(goes.items()) if sets}


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)


def _never(target: _Target, met: Iterable[Met]) -> Iterator[Problem]:
    for one in met:
        if not one.clusters and (one.layer.reach is None or one.layer.reach):
            place = one.layer.place
            message = f"no Subscription brings {target[0]} to a cluster that this is for, so it changes nothing"
            hint = "Let a Subscription select such a cluster, or remove the override."
            field = place.within("spec", "feed")
            yield Problem(place, field, "override-never-delivered", message, hint, Severity.WARNING)
