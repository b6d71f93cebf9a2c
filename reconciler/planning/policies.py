"""What an object says, by its annotations, about how it is written. Reading is lenient: `check` told of typos."""

from collections.abc import Mapping
from typing import Any

from reconciler.model.applying import ADOPT, APPLY, RECREATE, Adopt, Drift, Policy
from reconciler.model.objects import Object, ObjectKey
from reconciler.model.plan import Approach

PRECIOUS = frozenset(
    {
        ("", "Namespace"),
        ("", "PersistentVolume"),
        ("", "PersistentVolumeClaim"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
    }
)
"""Kinds that are never deleted to be made anew: what they hold would be lost."""


def annotations_of(body: Object) -> Mapping[str, Any]:
    """The annotations of an object."""
    return (body.get("metadata") or {}).get("annotations") or {}


def policy_of(body: Object) -> Policy:
    """How an object is written; `Override` where it does not say."""
    word = annotations_of(body).get(APPLY)
    return Policy(word) if word in set(Policy) else Policy.OVERRIDE


def adopt_of(body: Object, approach: Approach) -> Adopt:
    """What becomes of an object that is there and not ours: by the object, its Subscription, the settings."""
    word = annotations_of(body).get(ADOPT)
    return Adopt(word) if word in set(Adopt) else approach.wishes.adopt or approach.apply.adopt


def drift_of(approach: Approach) -> Drift:
    """What is done about drift: by the Subscription, or the settings."""
    return approach.wishes.drift or approach.apply.drift


def recreates(key: ObjectKey, body: Object, approach: Approach) -> bool:
    """Whether an object may be deleted and made anew when an immutable field changes."""
    if (key.group, key.kind) in PRECIOUS:
        return False
    word = annotations_of(body).get(RECREATE)
    return approach.apply.recreate if word not in ("enabled", "disabled") else word == "enabled"
