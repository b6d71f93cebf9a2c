"""Every rule that a fleet repo can break: its stable id, severity, what it means and what to do.

The one table behind `check`, its SARIF output and `docs/fleet-repo.md`. A rule keeps its id for good. Messages and
hints name places and words of the repo, never bodies of objects.
"""

from collections.abc import Mapping

import msgspec

from reconciler.model.snapshot import Place, Problem, Severity
from reconciler.source.rulebook import (
    applying,
    charts,
    feeds,
    files,
    health,
    kustomize,
    objects,
    ordering,
    overrides,
    rollouts,
    scheduling,
    sealed,
    settings,
    templates,
    tenants,
)


class Rule(msgspec.Struct, frozen=True):
    """One rule: `meaning` ends the sentence “this happens when …”, `fix` tells the author what to do."""

    id: str
    severity: Severity
    meaning: str
    fix: str


def _rules(severity: Severity, table: Mapping[str, tuple[str, str]]) -> dict[str, Rule]:
    return {name: Rule(name, severity, meaning, fix) for name, (meaning, fix) in table.items()}


_TABLES = (
    files,
    objects,
    settings,
    health,
    feeds,
    overrides,
    applying,
    ordering,
    scheduling,
    charts,
    kustomize,
    templates,
    sealed,
    tenants,
    rollouts,
)

RULES: Mapping[str, Rule] = {
    **{name: rule for table in _TABLES for name, rule in _rules(Severity.ERROR, table.ERRORS).items()},
    **{name: rule for table in _TABLES for name, rule in _rules(Severity.WARNING, table.WARNINGS).items()},
}


def problem(
    rule: str,
    place: Place,
    field: tuple[str | int, ...],
    message: str,
    hint: str = "",
    concerns: tuple[str, ...] = (),
) -> Problem:
    """A broken rule at a place; the severity is the rule's."""
    return Problem(place, field, rule, message, hint or RULES[rule].fix, RULES[rule].severity, concerns=concerns)
