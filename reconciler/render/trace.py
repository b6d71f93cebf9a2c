"""Who set which field of an object on a cluster: the way that rendering took, told step by step."""

from collections.abc import Mapping

from reconciler.model.clusters import ClusterFacts
from reconciler.model.feed import Step, Unit
from reconciler.model.objects import ObjectKey
from reconciler.model.placement import Schedule
from reconciler.model.snapshot import Snapshot
from reconciler.render.contents import Contents
from reconciler.render.ground import prepared
from reconciler.render.pointer import differing


def trace(
    snapshot: Snapshot, schedule: Schedule, facts: Mapping[str, ClusterFacts], unit: Unit, key: ObjectKey
) -> tuple[Step, ...]:
    """The steps that made one object, in order; the first set the whole document, whose pointer is empty.

    Steps that changed nothing are told with no fields. Empty when the unit is not scheduled or has no such object.
    """
    scheduled = schedule.subscriptions.get(unit.subscription)
    placement = next((p for p in scheduled.placements if p.cluster == unit.cluster), None) if scheduled else None
    if placement is None:
        return ()
    subject = Contents(unit.subscription, prepared(snapshot, schedule, facts)).subjects.get(key)
    if subject is None:
        return ()
    first, *rest = subject.stages(unit.cluster, placement.replicas.get(subject.feed), snapshot.values)
    steps, before = [Step(first.place, first.title, ("",))], first.body
    for stage in rest:
        steps.append(Step(stage.place, stage.title, tuple(differing(before, stage.body))))
        before = stage.body
    return tuple(steps)
