"""Where authors are told of a chart that cannot be rendered: at the HelmChart, or at the override that is to blame."""

from typing import Final

from reconciler.model.authored import HelmChart
from reconciler.model.inflation import Fault
from reconciler.model.snapshot import Problem, Severity, Sourced
from reconciler.render.values import ChartStage, ChartStages

_MEMBERS: Final = {
    "chart-version": "version",
    "chart-path": "repo",
    "chart-refused": "repo",
    "chart-unreachable": "repo",
    "chart-secret": "chartPullSecret",
    "chart-credentials": "chartPullSecret",
    "chart-not-found": "chart",
}
"""What of a HelmChart a rule is about; without one, which chart it is."""
_OF_VALUES: Final = frozenset({"chart-values", "chart-render"})


def told(
    fault: Fault, sourced: Sourced[HelmChart], stages: ChartStages, severity: Severity = Severity.ERROR
) -> Problem:
    """The problem of an author. What one override alone set is told where it stands."""
    member = _MEMBERS.get(fault.rule, "chart")
    if stages.stages[-1].chart["spec"].get(member) is None:
        member = "repo" if member == "chartPullSecret" else "chart"
    blamed = _values(stages) if fault.rule in _OF_VALUES else _member(stages, member)
    place = sourced.place if blamed is None else blamed.place
    where = place.within("spec", member)
    if blamed is not None:
        where = place.within("spec", "overrides", blamed.position, "value")
    return Problem(place, where, fault.rule, fault.message, fault.hint, severity)


def _values(stages: ChartStages) -> ChartStage | None:
    """The step that alone made the values."""
    found = [after for before, after in _steps(stages) if after.values is not before.values]
    return found[0] if len(found) == 1 else None


def _member(stages: ChartStages, member: str) -> ChartStage | None:
    """The last step that changed a member of the HelmChart."""
    found = [after for before, after in _steps(stages) if _at(after, member) != _at(before, member)]
    return found[-1] if found else None


def _steps(stages: ChartStages) -> list[tuple[ChartStage, ChartStage]]:
    return list(zip(stages.stages, stages.stages[1:], strict=False))


def _at(stage: ChartStage, member: str) -> object:
    return stage.chart["spec"].get(member)
