"""What all Subscriptions of one pass are rendered on: overrides by object, exports by Service, answers by question."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from reconciler.model.clusters import ClusterFacts
from reconciler.model.inflation import Answers
from reconciler.model.placement import Schedule
from reconciler.model.selectors import LabelIndex
from reconciler.model.snapshot import Snapshot
from reconciler.render.chartobjects import ChartObjects
from reconciler.render.charts import ChartFiles, Charts
from reconciler.render.exports import Exports, exports
from reconciler.render.overrides import Overrides
from reconciler.render.questions import Capabilities, Questions
from reconciler.render.spaces import Spaces
from reconciler.render.templated import TemplateFiles
from reconciler.render.templates import Filling

NO_ANSWERS: Answers = MappingProxyType({})


class Ground(msgspec.Struct, frozen=True):
    """What all Subscriptions are rendered on."""

    snapshot: Snapshot
    facts: Mapping[str, ClusterFacts]
    """By cluster id."""
    overrides: Overrides
    exports: Exports
    questions: Questions
    filling: Filling
    files: TemplateFiles
    charts: Charts
    spaces: Spaces


def prepared(
    snapshot: Snapshot, schedule: Schedule, facts: Mapping[str, ClusterFacts], answers: Answers = NO_ANSWERS
) -> Ground:
    """Everything that Subscriptions share, once for all of them."""
    labels = LabelIndex({name: cluster.labels for name, cluster in facts.items()})
    following = exports(snapshot, schedule)
    questions = Questions(answers)
    filling = Filling(snapshot, facts, questions)
    objects = ChartObjects(
        snapshot.resources.values(), following, hooks_run=snapshot.settings.delivery.to == "clusters"
    )
    return Ground(
        snapshot=snapshot,
        facts=facts,
        overrides=Overrides(snapshot, facts, labels),
        exports=following,
        questions=questions,
        filling=filling,
        files=TemplateFiles(snapshot, filling),
        charts=Charts(ChartFiles(snapshot.files), questions, Capabilities(), filling, facts, objects),
        spaces=Spaces(snapshot, schedule),
    )
