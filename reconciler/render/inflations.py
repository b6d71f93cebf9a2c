"""What rendering wants to know from programs outside: charts and templates, each distinct question once."""

from collections.abc import Mapping

from reconciler.model.authored import Globalization, Localization
from reconciler.model.clusters import ClusterFacts
from reconciler.model.inflation import Answers, Wanted
from reconciler.model.placement import Schedule
from reconciler.model.snapshot import Snapshot, Sourced
from reconciler.render.contents import Contents
from reconciler.render.contested import contested
from reconciler.render.ground import prepared
from reconciler.render.kinds import chart_named_by
from reconciler.render.overrides import TEMPLATE


def inflations(
    snapshot: Snapshot, schedule: Schedule, facts: Mapping[str, ClusterFacts], answers: Answers
) -> tuple[Wanted, ...]:
    """What rendering needs and is not in `answers` yet, in order. Empty: render can go on.

    Answers may lead to more questions: values that are templates come before the chart that they are for.
    """
    overrides: list[Sourced[Globalization] | Sourced[Localization]] = [
        *snapshot.globalizations,
        *snapshot.localizations,
    ]
    templated = any(TEMPLATE in (sourced.value.metadata.annotations or ()) for sourced in overrides)
    asking = [name for name in sorted(schedule.subscriptions) if templated or _asks(name, snapshot)]
    if not asking:
        return ()
    ground = prepared(snapshot, schedule, facts, answers)
    lost = contested(snapshot, schedule).lost
    for name in asking:
        contents, elsewhere = Contents(name, ground), lost.get(name, frozenset())
        for placement in schedule.subscriptions[name].placements if contents.makers else ():
            if placement.cluster not in elsewhere:
                contents.ask(placement)
    return ground.questions.sorted()


def _asks(name: str, snapshot: Snapshot) -> bool:
    """Whether a Subscription has a chart or a template."""
    for named in snapshot.feeds[name]:
        resource = snapshot.resource(named)
        if chart_named_by(named.feed, snapshot) is not None or (resource is not None and resource.template):
            return True
    return False
