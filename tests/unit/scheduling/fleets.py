"""Fleets with room, and Dynamic Subscriptions, in the words of scheduling tests."""

from typing import Any

import msgspec

from reconciler.model.clusters import ClusterFacts, NodeFact, TaintFact
from reconciler.model.feed import Unit
from reconciler.model.placement import Schedule, Scheduled
from reconciler.model.settings import Settings
from reconciler.model.snapshot import Problem
from reconciler.model.status import FleetStatus, State, UnitStatus
from reconciler.scheduling.schedule import schedule
from tests.unit.snapshots import cluster_id, deployment, everywhere, snapshot, subscription

WEB = "apps/v1/Deployment/default/web"
BEFORE = dict[str, dict[str, int] | None]
"""By name of a cluster its replicas by feed key; None for a binding without replicas."""


def roomy(name: str, pods: int = 100, *, number: int | None = None, **more: Any) -> ClusterFacts:
    """A cluster `fleet-NAME/NAME` with one node that takes so many pods of one cpu."""
    nodes = more.pop("nodes", (NodeFact(free=(("cpu", pods * 1000), ("pods", pods))),))
    taints = tuple(TaintFact(**taint) for taint in more.pop("taints", ()))
    return ClusterFacts(
        id=identity(name) if number is None else cluster_id(number),
        namespace=f"fleet-{name}",
        name=name,
        nodes=nodes,
        taints=taints,
        **more,
    )


def identity(name: str) -> str:
    """The id of a cluster of this name."""
    return cluster_id(int.from_bytes(name.encode()[:4], "big"))


def web(replicas: int | None = 6, name: str = "web", cpu: str = "1", **spec: Any) -> dict[str, Any]:
    """A Deployment whose pods ask for cpu."""
    made = deployment(name, replicas)
    made["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": cpu}}
    made["spec"]["template"]["spec"].update(spec)
    return made


def dynamic(
    name: str,
    *feeds: dict[str, Any],
    subscribers: list[dict[str, Any]] | None = None,
    spec: Any = None,
    **dividing: Any,
) -> dict[str, Any]:
    """A Dynamic Subscription `default/NAME`; `dividing` is its `dynamicDividing`."""
    scheduling = {
        "schedulingStrategy": "Dividing",
        "dividingScheduling": {"type": "Dynamic", "dynamicDividing": {"strategy": "Spread", **dividing}},
    }
    return subscription(name, subscribers or [everywhere()], *feeds, **scheduling, **(spec or {}))


def scheduled(
    objects: list[dict[str, Any]],
    clusters: list[ClusterFacts],
    before: dict[str, BEFORE] | FleetStatus | None = None,
    problems: tuple[Problem, ...] = (),
    settings: Settings | None = None,
) -> Schedule:
    """Schedule objects over clusters; `before` by name of Subscription."""
    status = before if isinstance(before, FleetStatus) else previous(before or {}, clusters)
    snap = snapshot(*objects, problems=problems)
    if settings is not None:
        snap = msgspec.structs.replace(snap, settings=settings)
    return schedule(snap, {c.id: c for c in clusters}, status)


def previous(before: dict[str, BEFORE], clusters: list[ClusterFacts]) -> FleetStatus:
    """A status that says where everything was; clusters that are not in the fleet are gone ones."""
    ids = {c.name: c.id for c in clusters}
    units = [
        UnitStatus(f"default/{name}", ids.get(where, identity(where)), State.READY, replicas=replicas or {})
        for name, rows in before.items()
        for where, replicas in rows.items()
    ]
    return FleetStatus("test", units={unit.unit: unit for unit in units})


def fed_back(answer: Schedule, status: FleetStatus | None = None) -> FleetStatus:
    """The status that a schedule leaves; Subscriptions that are absent keep what they had."""
    units = {u: s for u, s in (status.units if status else {}).items() if u.subscription not in answer.subscriptions}
    for name, one in answer.subscriptions.items():
        for placement in one.placements:
            unit = Unit(name, placement.cluster)
            units[unit] = UnitStatus(name, placement.cluster, State.READY, replicas=placement.replicas)
    return FleetStatus("test", units=units)


def shares(one: Scheduled, feed: str = WEB) -> dict[str, int]:
    """Replicas of a feed by name of the cluster."""
    return {placement.binding.split("/")[1]: placement.replicas[feed] for placement in one.placements}


def reasons(one: Scheduled, clusters: list[ClusterFacts]) -> dict[str, tuple[str, str]]:
    """Reason and words of each refusal by name of the cluster."""
    names = {c.id: c.name for c in clusters}
    return {names[refusal.cluster]: (refusal.reason.value, refusal.message) for refusal in one.refusals}
