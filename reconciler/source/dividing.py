"""Checks of how a Subscription is scheduled: fields that contradict each other, and fields that have no effect."""

from collections.abc import Iterator, Mapping

from reconciler.model.authored import DynamicDividing, SubscriptionSpec
from reconciler.model.placement import WHEN_NO_CLUSTER_FITS

Fault = tuple[tuple[str | int, ...], str, str]
"""Field, message and hint."""
Found = tuple[str, Fault]
"""Rule and fault."""

_DYNAMIC = ("dividingScheduling", "dynamicDividing")


def faults(spec: SubscriptionSpec) -> Iterator[Found]:
    """All faults of one spec; fields are relative to it."""
    if spec.scheduler_name != "default":
        message = f"the scheduler '{spec.scheduler_name}' is not this one, so this Subscription is not scheduled here"
        yield "other-scheduler", (("schedulerName",), message, "")
    yield from _subgroups(spec)
    yield from _dividing(spec)


def annotation_faults(annotations: Mapping[str, str]) -> Iterator[Fault]:
    """Annotations that scheduling reads and that say nothing it knows."""
    asked = annotations.get(WHEN_NO_CLUSTER_FITS)
    if asked not in (None, "keep", "undeploy"):
        message = f"'{asked}' is no answer to what happens when no cluster fits"
        yield ("metadata", "annotations", WHEN_NO_CLUSTER_FITS), message, "Write `keep` or `undeploy`."


def _subgroups(spec: SubscriptionSpec) -> Iterator[Found]:
    for index, subscriber in enumerate(spec.subscribers):
        strategy, here = subscriber.sub_group_strategy, ("subscribers", index)
        if spec.scheduling_by_sub_group and strategy is None:
            message = "schedulingBySubGroup is true, and this subscriber does not say how many clusters it takes"
            yield "subgroup-missing", (here, message, "")
        elif strategy is not None and not spec.scheduling_by_sub_group:
            message = "subGroupStrategy has no effect: schedulingBySubGroup is not true"
            yield "ignored-field", ((*here, "subGroupStrategy"), message, "Remove subGroupStrategy.")


def _dividing(spec: SubscriptionSpec) -> Iterator[Found]:
    dividing = spec.dividing_scheduling
    if dividing is not None and spec.scheduling_strategy != "Dividing":
        message = "dividingScheduling has no effect: schedulingStrategy is Replication"
        hint = "Write `schedulingStrategy: Dividing`, or remove it."
        yield "ignored-field", (("dividingScheduling",), message, hint)
    if dividing is not None and dividing.type == "Static" and dividing.dynamic_dividing is not None:
        message = "dynamicDividing has no effect: the type is Static"
        yield "ignored-field", (_DYNAMIC, message, "Remove dynamicDividing.")
    if dividing is not None and dividing.type == "Dynamic":
        if dividing.dynamic_dividing is None:
            message = "dividing by room (Dynamic) needs dynamicDividing"
            yield "dynamic-dividing-missing", (("dividingScheduling",), message, "")
        else:
            yield from _dynamic(dividing.dynamic_dividing)


def _dynamic(rules: DynamicDividing) -> Iterator[Found]:
    least, most = rules.min_clusters, rules.max_clusters
    if least is not None and most is not None and least > most:
        yield "cluster-limits", ((*_DYNAMIC, "minClusters"), f"minClusters {least} is more than maxClusters {most}", "")
    for index, one in enumerate(rules.topology_spread_constraints or ()):
        here = (*_DYNAMIC, "topologySpreadConstraints", index)
        for name, value in (
            ("matchLabelKeys", one.match_label_keys),
            ("nodeAffinityPolicy", one.node_affinity_policy),
            ("nodeTaintsPolicy", one.node_taints_policy),
        ):
            if value is not None:
                message = f"{name} has no effect: the constraint is over clusters, not over nodes"
                yield "ignored-field", ((*here, name), message, f"Remove {name}.")
