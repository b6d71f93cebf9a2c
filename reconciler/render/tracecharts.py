"""Where an object that a chart made comes from: the chart, its file, and each layer of its values.

What a template of a chart makes of values cannot be followed into its fields; what can be told is which values the
chart was given, who set them, and which of them its templates read.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from reconciler.model.inflation import ChartAnswer, ChartRender
from reconciler.model.objects import Object, ObjectKey, group_of
from reconciler.model.snapshot import Place
from reconciler.render.charts import ChartSubject
from reconciler.render.ground import Ground
from reconciler.render.overrides import Entry
from reconciler.render.values import ChartStage, merged


class ValueStep(msgspec.Struct, frozen=True):
    """One layer of values, or of the HelmChart itself, and what holds after it."""

    place: Place
    title: str
    values: Object
    """The values of the chart with all layers so far laid over them."""
    chart: Object
    """The HelmChart."""
    entry: Entry | None = None


class Origin(msgspec.Struct, frozen=True):
    """A chart that made an object."""

    place: Place
    title: str
    body: Object
    file: str
    """File of the chart, as helm names it; empty where helm did not make the object itself."""
    steps: tuple[ValueStep, ...]
    reads: frozenset[str]
    """JSON pointers of the values that the chart's templates read."""
    reads_everything: bool
    defaults: str = ""
    """File of the fleet repo that holds the chart's own values; empty for a chart that is elsewhere."""


def charted(ground: Ground, subject: ChartSubject, cluster: str, key: ObjectKey) -> Origin | None:
    """Where an object comes from, when this chart makes it on a cluster."""
    stages, question = subject.stages(cluster), subject.question(cluster)
    answer = ground.questions.chart(question) if question is not None else None
    if stages is None or question is None or answer is None or answer.fault is not None:
        return None
    rendering = subject.rendering(cluster, None)
    objects = (*(rendering.objects or ()), *rendering.aside)
    body = next((found.body for found in objects if found.key == key), None)
    if body is None:
        return None
    return Origin(
        place=subject.sourced.place,
        title=f"chart {told(question, answer)}",
        body=body,
        file=_file(answer, key),
        steps=tuple(_steps(subject, cluster, stages.stages, answer, ground)),
        reads=answer.reads,
        reads_everything=answer.reads_everything,
        defaults=_defaults(ground, question),
    )


def _defaults(ground: Ground, question: ChartRender) -> str:
    if "://" in question.chart.repo:
        return ""
    directory = [part for part in (*question.chart.repo.split("/"), question.chart.name) if part not in ("", ".")]
    path = "/".join((*directory, "values.yaml"))
    return path if path in ground.snapshot.files else ""


def told(question: ChartRender, answer: ChartAnswer) -> str:
    """A chart by name, version and where it is from."""
    version = f" {answer.version}" if answer.version else ""
    return f"{question.chart.name}{version} of {question.chart.repo}"


def _file(answer: ChartAnswer, key: ObjectKey) -> str:
    for found in answer.objects:
        if _fits(found.body, key):
            return found.source
    return ""


def _fits(body: Object, key: ObjectKey) -> bool:
    metadata = body.get("metadata")
    if not isinstance(metadata, Mapping) or (body.get("kind"), metadata.get("name")) != (key.kind, key.name):
        return False
    same_space = metadata.get("namespace") in (None, "", key.namespace)
    return same_space and group_of(str(body.get("apiVersion"))) == key.group


def _steps(
    subject: ChartSubject, cluster: str, stages: tuple[ChartStage, ...], answer: ChartAnswer, ground: Ground
) -> Iterator[ValueStep]:
    filled = ground.filling.layers(subject.applicable.on(cluster), cluster)
    entries: list[Entry | None] = [None, *(entry for layer in filled.layers or () for entry in layer.entries)]
    for stage, entry in zip(stages, entries, strict=False):
        values: Any = merged(answer.defaults, stage.values).value
        yield ValueStep(stage.place, stage.title, values, stage.chart, entry)
