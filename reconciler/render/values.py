"""A HelmChart on its way through its overrides: the values that are laid over the chart's own, and the chart itself.

Values begin empty. Nothing is removed from them that an author wrote: what only servers write is a matter of objects.
Of the chart everything can be overridden but which chart it is and where it goes (contract `clusternet-apps.md` §4.4).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from reconciler.model.authored import HelmChart
from reconciler.model.objects import Object
from reconciler.model.snapshot import Place, Problem, Sourced
from reconciler.render.bare import without_server_writes
from reconciler.render.entries import Changed, broken, changed
from reconciler.render.overrides import Entry, Layer
from reconciler.render.patch import Fault, Patched

_FIXED = (("apiVersion",), ("kind",), ("metadata", "namespace"), ("spec", "chart"), ("spec", "targetNamespace"))
"""What makes two HelmCharts the same thing on a cluster. `metadata.name` is the release and may differ."""


class ChartStage(msgspec.Struct, frozen=True):
    """Values and chart after one step. An error among the findings ends the way: the chart cannot be rendered."""

    place: Place
    title: str
    values: Object
    chart: Object
    """The HelmChart as an object."""
    position: int = -1
    """Of the entry in its override; -1 for what the chart begins as."""
    findings: tuple[Problem, ...] = ()


class ChartStages(msgspec.Struct, frozen=True):
    """The whole way of one HelmChart on one cluster."""

    stages: tuple[ChartStage, ...]
    """The first is the author's HelmChart without values, the last is the result."""
    chart: HelmChart | None
    """What came of the chart; None where an error stopped it."""

    @property
    def values(self) -> Object:
        """The values that are laid over the chart's own."""
        return self.stages[-1].values

    @property
    def findings(self) -> tuple[Problem, ...]:
        """All that was found on the way."""
        return tuple(found for stage in self.stages for found in stage.findings)


def merged(accumulated: Any, value: Any) -> Patched:
    """Helm values with another document laid over them, as Clusternet does (contract §4.7).

    Mappings merge, everything else is replaced as a whole. A null removes what is there; where nothing is there it
    stays, and tells Helm to drop the default of the chart.
    """
    if not isinstance(accumulated, Mapping) or not isinstance(value, Mapping):
        return Patched(accumulated, Fault("Helm values are a mapping"))
    return Patched(_merged(accumulated, value))


def _merged(accumulated: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(accumulated)
    for key, member in value.items():
        if member is None and key in accumulated:
            del result[key]
        elif isinstance(member, Mapping) and isinstance(accumulated.get(key), Mapping):
            result[key] = _merged(accumulated[key], member)
        else:
            result[key] = member
    return result


def chart_of(sourced: Sourced[HelmChart], layers: Sequence[Layer], values: Mapping[str, Any]) -> ChartStages:
    """The way of one HelmChart. `layers` are what applies on the cluster, in order.

    `values` are the parsed texts of overrides, as a snapshot has them; of templated ones, what they were filled to.
    """
    title = f"HelmChart {sourced.value.metadata.namespace or 'default'}/{sourced.value.metadata.name}"
    body = _as_stored(sourced.value)
    stages = [ChartStage(sourced.place, title, {}, body)]
    chart = sourced.value
    for entry in (entry for layer in layers for entry in layer.entries):
        before, at = stages[-1], entry.position
        if entry.override.override_chart:
            after = _chart_changed(before.chart, entry, values)
            stages.append(ChartStage(entry.place, entry.title, before.values, after.value, at, after.findings))
        else:
            after = _values_changed(before.values, entry, values)
            stages.append(ChartStage(entry.place, entry.title, after.value, before.chart, at, after.findings))
        if after.broken:
            return ChartStages(tuple(stages), None)
    if stages[-1].chart is not body:
        chart = msgspec.convert(stages[-1].chart, HelmChart)
    return ChartStages(tuple(stages), chart)


def _as_stored(chart: HelmChart) -> Object:
    """The HelmChart as a hub stores it: with the defaults of the API, which patches may name."""
    body = msgspec.to_builtins(chart)
    spec = {"createNamespace": True, "timeoutSeconds": chart.spec.timeout_seconds, **body["spec"]}
    return without_server_writes({**body, "spec": spec})


def _values_changed(before: Object, entry: Entry, values: Mapping[str, Any]) -> Changed:
    text = entry.override.value
    if entry.override.type != "Helm" or not text.strip() or text not in values:
        after = changed(before, entry, values)
    else:
        made = merged(before, values[text])
        after = broken(before, entry, "override-value", made.fault.message) if made.fault else Changed(made.value)
    if not isinstance(after.value, Mapping):
        return broken(before, entry, "override-patch", "the values of a chart would no longer be a mapping")
    return after


def _chart_changed(before: Object, entry: Entry, values: Mapping[str, Any]) -> Changed:
    if entry.override.type == "Helm":
        as_patch = msgspec.structs.replace(entry.override, type="MergePatch")
        after = changed(before, msgspec.structs.replace(entry, override=as_patch), values)
    else:
        after = changed(before, entry, values)
    if after.broken or after.value is before:
        return after
    try:
        msgspec.convert(after.value, HelmChart)
    except msgspec.ValidationError as error:
        return broken(before, entry, "override-chart", f"it makes the HelmChart invalid: {error}")
    moved = [".".join(path) for path in _FIXED if _at(before, path) != _at(after.value, path)]
    if moved:
        message = f"{' and '.join(moved)} of a HelmChart cannot be overridden"
        return broken(before, entry, "override-chart-identity", message)
    bare = without_server_writes(after.value)
    return Changed(bare, after.findings)


def _at(body: Object, path: tuple[str, ...]) -> Any:
    node: Any = body
    for step in path:
        node = node.get(step) if isinstance(node, Mapping) else None
    return node
