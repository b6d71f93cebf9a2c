"""Words of an object about itself: its conditions, and what an assessment says of them.

An assessment is the health and, where it is not current, what is waited for or what failed. Its words name numbers,
conditions and reasons; they hold nothing of what an object is made of.
"""

from collections.abc import Mapping
from typing import Any

from reconciler.model.objects import Object
from reconciler.model.status import Health

Assessment = tuple[Health, str]
Conditions = Mapping[Any, Mapping[str, Any]]
"""By type."""

CURRENT: Assessment = (Health.CURRENT, "")


def conditions_of(status: Object) -> Conditions:
    """The conditions of a status; what is none is left out."""
    return {one.get("type"): one for one in status.get("conditions") or () if isinstance(one, Mapping)}


def has(conditions: Conditions, name: str, status: str = "True") -> bool:
    """Whether a condition is there with this status."""
    return (conditions.get(name) or {}).get("status") == status


def reason(conditions: Conditions, name: str) -> str:
    """The CamelCase reason of a condition; empty without one."""
    return str((conditions.get(name) or {}).get("reason") or "")


def say(conditions: Conditions, name: str, otherwise: str = "") -> str:
    """What a condition says: its message, or its reason."""
    condition = conditions.get(name) or {}
    return str(condition.get("message") or condition.get("reason") or otherwise)


def waits(message: str) -> Assessment:
    """On its way, and what is missing."""
    return Health.PROGRESSING, message


def failed(message: str) -> Assessment:
    """It will not get ready by itself, and why."""
    return Health.FAILED, message


def by_ready(_: Object, __: Object, conditions: Conditions) -> Assessment:
    """The rule of kinds that nobody knows: the condition `Ready` decides, and no such condition is ready."""
    if "Ready" not in conditions or has(conditions, "Ready"):
        return CURRENT
    return waits(say(conditions, "Ready", "not Ready"))


def always(_: Object, __: Object, ___: Conditions) -> Assessment:
    """The rule of kinds that are ready as soon as they are there."""
    return CURRENT
