"""One HelmChart of a Subscription: which chart with which values each cluster gets, asked once per distinct question.

The chart after its overrides, the values and what the cluster can do make one question. Clusters with equal questions
share what came of it.
"""

from collections.abc import Hashable, Iterator, Mapping

import msgspec

from reconciler.model.authored import HelmChart
from reconciler.model.clusters import ClusterFacts
from reconciler.model.feed import Read, ReadOf
from reconciler.model.inflation import Chart, ChartAnswer, ChartRender
from reconciler.model.inflation import Fault as NoAnswer
from reconciler.model.objects import BlobId, ObjectKey, canonical, digest_of
from reconciler.model.snapshot import Problem, Severity, Sourced
from reconciler.render.chartfaults import told
from reconciler.render.chartobjects import ChartObjects, Made, named
from reconciler.render.overrides import Applicable, Layer
from reconciler.render.questions import Capabilities, Questions
from reconciler.render.rendering import Rendering
from reconciler.render.templates import Filled, Filling, variant_of
from reconciler.render.unread import unread
from reconciler.render.values import ChartStages, chart_of

UNANSWERED = NoAnswer("not-rendered", "nobody said what comes of it", "Run the command again where helm can be run.")
"""A safety net: what has no answer is never left out in silence."""


class ChartFiles:
    """Files of charts that lie in the fleet repo."""

    def __init__(self, files: Mapping[str, BlobId]) -> None:
        """`files` are all of the tree."""
        self._files = files
        self._known: dict[str, tuple[tuple[str, BlobId], ...]] = {}

    def of(self, repo: str, name: str) -> tuple[tuple[str, BlobId], ...]:
        """All files of a chart that lies in `repo`, a directory of the fleet repo, or is it; none where it is a URL."""
        if "://" in repo:
            return ()
        directory = "".join(f"{part}/" for part in repo.split("/") if part not in ("", "."))
        repo = f"{directory}{name}/" if f"{directory}{name}/Chart.yaml" in self._files else directory
        if repo not in self._known:
            found = ((path, blob) for path, blob in self._files.items() if path.startswith(repo))
            self._known[repo] = tuple(sorted(found))
        return self._known[repo]


class Charts(msgspec.Struct, frozen=True):
    """What all charts of a snapshot are rendered with."""

    files: ChartFiles
    questions: Questions
    capabilities: Capabilities
    filling: Filling
    facts: Mapping[str, ClusterFacts]
    objects: ChartObjects


class _Way(msgspec.Struct, frozen=True):
    """What some overrides make of a HelmChart. Overrides that make the same give one way."""

    chart: HelmChart | None
    """None where an error stopped it."""
    values: bytes
    findings: tuple[Problem, ...]
    overrides: Read


class ChartSubject:
    """A HelmChart, everything that may change it, and what it was rendered to so far."""

    def __init__(self, feed: str, sourced: Sourced[HelmChart], applicable: Applicable, charts: Charts) -> None:
        """`feed` is the key of the feed that names it."""
        self.feed = feed
        self.sourced = sourced
        self.applicable = applicable
        self._charts = charts
        self._ways: dict[Hashable, _Way] = {}
        self._stages: dict[Hashable, ChartStages] = {}
        self._answers: dict[int, list[ChartAnswer]] = {}
        self._alike: dict[Hashable, _Way] = {}
        self._asked: dict[tuple[int, int], ChartRender] = {}
        self._made: dict[tuple[ChartRender, bool | None], Made] = {}
        self._rendered: dict[tuple[int, int], Rendering] = {}

    def stages(self, cluster: str) -> ChartStages | None:
        """The HelmChart on one cluster, step by step; None where a template of its values could not be filled."""
        filled = self._filled(cluster)
        return chart_of(self.sourced, filled.layers, self._charts.filling.values) if filled.layers is not None else None

    def question(self, cluster: str) -> ChartRender | None:
        """What is asked for one cluster; None where an error stopped the chart before."""
        filled = self._filled(cluster)
        return self._question(self._way(filled.layers), cluster) if filled.layers is not None else None

    def ask(self, cluster: str) -> None:
        """Ask for what one cluster needs, so that it stands among the open questions."""
        question = self.question(cluster)
        if question is not None:
            self._charts.questions.chart(question)

    def variant(self, cluster: str) -> Hashable:
        """Equal for clusters that get the same."""
        filled = self._filled(cluster)
        if filled.layers is None:
            return filled.faults
        return id(self._way(filled.layers)), id(self._capabilities(cluster))

    def rendering(self, cluster: str, replicas: int | None) -> Rendering:  # noqa: ARG002 charts are not divided
        """What one cluster gets of it, from memory where another gets the same."""
        filled = self._filled(cluster)
        if filled.layers is None:
            return Rendering(None, (), faults=filled.faults)
        way = self._way(filled.layers)
        question = self._question(way, cluster)
        if way.chart is None or question is None:
            return Rendering(None, (way.overrides,), way.findings)
        stages = self._stages[variant_of(filled.layers)]
        answer = self._charts.questions.chart(question)
        fault = answer.fault if answer is not None else UNANSWERED
        if answer is None or fault is not None:
            return Rendering(None, (way.overrides,), way.findings, (told(fault or UNANSWERED, self.sourced, stages),))
        memory = (question, way.chart.spec.disable_hooks)
        if memory not in self._made:
            facts = self._charts.facts[cluster]
            self._made[memory] = self._charts.objects.made(way.chart, question, answer, facts)
        return self._rendering(way, stages, question, self._made[memory], answer)

    def unread(self) -> Iterator[Problem]:
        """Values of any cluster so far that no answer says to be read."""
        for memory, way in self._ways.items():
            found = [set(unread(self._stages[memory], answer)) for answer in self._answers.get(id(way), ())]
            yield from sorted(set.intersection(*found) if found else ())

    def _filled(self, cluster: str) -> Filled:
        return self._charts.filling.layers(self.applicable.on(cluster), cluster)

    def _capabilities(self, cluster: str) -> tuple[str, tuple[str, ...]]:
        return self._charts.capabilities.of(self._charts.facts[cluster])

    def _way(self, layers: tuple[Layer, ...]) -> _Way:
        memory = variant_of(layers)
        known = self._ways.get(memory)
        if known is None:
            stages = chart_of(self.sourced, layers, self._charts.filling.values)
            digest = digest_of([layer.digest for layer in layers]) if layers else ""
            read = Read(ReadOf.OVERRIDES, self.feed, digest)
            way = _Way(stages.chart, canonical(stages.values), stages.findings, read)
            self._stages[memory] = stages
            alike = (digest_of(way.chart), way.values, way.findings, read)
            known = self._ways[memory] = self._alike.setdefault(alike, way)
        return known

    def _question(self, way: _Way, cluster: str) -> ChartRender | None:
        if way.chart is None:
            return None
        capabilities = self._capabilities(cluster)
        memory = (id(way), id(capabilities))
        known = self._asked.get(memory)
        if known is None:
            known = self._asked[memory] = self._worded(way.chart, way.values, *capabilities)
        return known

    def _worded(self, chart: HelmChart, values: bytes, kubernetes: str, apis: tuple[str, ...]) -> ChartRender:
        spec = chart.spec
        return ChartRender(
            chart_named(chart),
            chart.metadata.name,
            spec.target_namespace,
            values,
            kubernetes,
            apis,
            bool(spec.skip_crds),
            self._charts.files.of(spec.repo, spec.chart),
        )

    def _rendering(
        self, way: _Way, stages: ChartStages, question: ChartRender, made: Made, answer: ChartAnswer
    ) -> Rendering:
        memory = (id(way), id(made))
        known = self._rendered.get(memory)
        if known is None:
            self._answers.setdefault(id(way), []).append(answer)
            read = Read(ReadOf.CHART, named(self.sourced.value), digest_of([answer.digest, question, made.scopes]))
            warnings = tuple(told(warning, self.sourced, stages, Severity.WARNING) for warning in made.warnings)
            spec = (way.chart or self.sourced.value).spec
            known = self._rendered[memory] = Rendering(
                objects=made.objects if not made.faults else None,
                reads=(way.overrides, read),
                problems=(*way.findings, *warnings),
                faults=tuple(told(fault, self.sourced, stages) for fault in made.faults),
                aside=made.aside,
                release=ObjectKey("helm.sh", "Release", question.namespace, question.release),
                namespace=spec.target_namespace if spec.create_namespace is not False else "",
            )
        return known


def chart_named(chart: HelmChart) -> Chart:
    """Which chart a HelmChart asks for."""
    spec, secret = chart.spec, chart.spec.chart_pull_secret
    credentials = f"{secret.namespace or chart.metadata.namespace or 'default'}/{secret.name}" if secret else ""
    return Chart(spec.repo, spec.chart, spec.version or "", bool(spec.plain_http), credentials)
