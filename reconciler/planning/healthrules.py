"""When objects are ready by the CEL expressions of `fleet.yaml`, in Flux's order: in progress, failed, current.

The members of an object are the variables of an expression (`status.phase == 'Ready'`); `metadata`, `spec` and
`status` are always there. An expression that fails is no verdict: the object is on its way, and the failure is told,
in words that hold no value of the object. Rules are for a kind in all its versions.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.model.applysettings import HealthRule
from reconciler.model.objects import Object, group_of
from reconciler.planning.conditions import CURRENT, Assessment, failed, waits

if TYPE_CHECKING:
    from cel import Program

_ALWAYS: Mapping[str, Any] = {"metadata": {}, "spec": {}, "status": {}}


class _Expression:
    def __init__(self, program: "Program") -> None:
        self._program = program
        self.source = program.source
        self._variables = program.variables()

    def holds(self, obj: Object) -> bool:
        """Whether it is true of an object. Raises what `_why` puts into words."""
        there = {**_ALWAYS, **obj}
        known = {name: there[name] for name in self._variables if name in there}
        answer = self._program.execute(known)
        if not isinstance(answer, bool):
            raise _NotBoolean(type(answer).__name__)
        return answer


class _NotBoolean(Exception):
    """An expression that answers something else than true or false."""


class Expressions:
    """The compiled rule of one kind."""

    def __init__(self, rule: HealthRule) -> None:
        # Importing it takes as long as a small check, so that only fleets with rules pay for it.
        from cel import compile as compiled

        texts = {"inProgress": rule.in_progress, "failed": rule.failed, "current": rule.current}
        self._expressions = {name: _Expression(compiled(text)) for name, text in texts.items() if text is not None}

    def assess(self, obj: Object) -> Assessment:
        """Health by the first expression that is true; on its way when none is."""
        for name, expression in self._expressions.items():
            try:
                if not expression.holds(obj):
                    continue
            except Exception as error:  # noqa: BLE001 - a rule never stops a run, whatever the library raises
                return waits(f"the expression `{name}` of fleet.yaml fails: {_why(error, expression.source)}")
            return _VERDICTS[name]
        return waits("no expression of fleet.yaml about its health is true")


_VERDICTS: Mapping[str, Assessment] = {
    "inProgress": waits("in progress by the expression of fleet.yaml"),
    "failed": failed("failed by the expression of fleet.yaml"),
    "current": CURRENT,
}


def by_kind(rules: Iterable[HealthRule]) -> Mapping[tuple[str, str], HealthRule]:
    """The rules by group and kind."""
    return {(group_of(rule.api_version), rule.kind): rule for rule in rules}


def _why(error: Exception, source: str) -> str:
    """The failure in words of ours, for the library's may hold values. Names are told that stand in the expression."""
    match error:
        case _NotBoolean():
            return f"it is neither true nor false, but {error}"
        case KeyError():
            name = str(error.args[0]) if error.args else ""
            return f"there is no member {name!r}" if name and name in source else "there is no such member"
        case IndexError():
            return "an index is out of bounds"
        case ZeroDivisionError():
            return "it divides by zero"
        case TypeError():
            return "an operation is not defined for the types of its operands"
        case RuntimeError() if str(error).startswith("Undefined"):
            return str(error).partition(". ")[0]
        case _:
            return "a value cannot be converted"
