"""ServiceExports follow their Service to every cluster that gets it.

An export that a Subscription names as a feed goes where that Subscription says, and nowhere by itself.
"""

from collections.abc import Container, Iterator, Mapping

import msgspec

from reconciler.model.objects import ObjectKey
from reconciler.model.placement import Schedule
from reconciler.model.snapshot import Problem, Resource, Snapshot

_GROUP = "multicluster.x-k8s.io"


class Exports(msgspec.Struct, frozen=True):
    """The exports that follow, by their Service."""

    following: Mapping[ObjectKey, Resource]
    problems: tuple[Problem, ...] = ()

    def of(self, service: ObjectKey) -> Resource | None:
        """The export that goes wherever this object goes."""
        return self.following.get(service)


def is_service(key: ObjectKey) -> bool:
    """Whether an export may follow this object."""
    return key.kind == "Service" and not key.group


def exports(snapshot: Snapshot, schedule: Schedule) -> Exports:
    """All exports that follow a Service, and a problem for each that would follow it nowhere."""
    named = _named(snapshot)
    following, problems = {}, []
    for key, resource in snapshot.resources.items():
        if key.kind != "ServiceExport" or key.group != _GROUP or key in named:
            continue
        service = ObjectKey("", "Service", key.namespace, key.name)
        following[service] = resource
        if problem := _nowhere(resource, service, named.get(service, ()), schedule):
            problems.append(problem)
    return Exports(following, tuple(problems))


def unfollowed(snapshot: Snapshot, following: Exports, followed: Container[ObjectKey]) -> Iterator[Problem]:
    """A problem for each export that reading left to the charts, and whose Service no chart makes.

    `followed` are the exports that follow a Service of a chart somewhere.
    """
    charted = {chart.value.spec.target_namespace for chart in snapshot.charts.values()}
    named = _named(snapshot) if charted else {}
    for service, export in following.following.items():
        unknown = service not in snapshot.resources and service not in named and service.namespace in charted
        if unknown and export.key not in followed:
            message = f"there is no {service} in the repo, and no chart makes it, so this ServiceExport exports nothing"
            where = export.place.within("metadata", "name")
            yield Problem(
                export.place, where, "export-without-service", message, "Add the Service, or remove the export."
            )


def _named(snapshot: Snapshot) -> dict[ObjectKey, tuple[str, ...]]:
    """The Subscriptions that name a Service or an export as a feed."""
    named: dict[ObjectKey, tuple[str, ...]] = {}
    for name, feeds in snapshot.feeds.items():
        for feed in (one.feed for one in feeds):
            if feed.kind in ("Service", "ServiceExport"):
                named[feed.object] = (*named.get(feed.object, ()), name)
    return named


def _nowhere(resource: Resource, service: ObjectKey, by: tuple[str, ...], schedule: Schedule) -> Problem | None:
    """Reading told already when no Subscription names it; one that is not scheduled keeps what it has."""
    if not by or not all(name in schedule.subscriptions and not schedule.subscriptions[name].placements for name in by):
        return None
    where = resource.place.within("metadata", "name")
    message = f"the {service} goes to no cluster, so its export goes nowhere"
    hint = f"Correct the subscribers of {', '.join(by)}."
    return Problem(resource.place, where, "export-without-cluster", message, hint)
