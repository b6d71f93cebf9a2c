"""What a Subscription says, by its annotations, about how its objects are applied. Reading is lenient: `check` told."""

from collections.abc import Mapping
from typing import TypeVar

from reconciler.model.applying import ADOPT, DEPENDS_ON, DRIFT, ON_REMOVAL, Adopt, Drift, Removal, Wishes

T = TypeVar("T", Adopt, Drift)


def wishes_of(annotations: Mapping[str, str], namespace: str) -> Wishes:
    """The wishes in the annotations of a Subscription of this namespace; what cannot be read is not wished."""
    return Wishes(
        after=depends_on(annotations, namespace),
        adopt=_one_of(Adopt, annotations.get(ADOPT)),
        drift=_one_of(Drift, annotations.get(DRIFT)),
        orphan=annotations.get(ON_REMOVAL) == Removal.ORPHAN,
    )


def depends_on(annotations: Mapping[str, str], namespace: str) -> tuple[str, ...]:
    """The Subscriptions (`namespace/name`) that one depends on, sorted."""
    words = {word.strip() for word in annotations.get(DEPENDS_ON, "").split(",")}
    return tuple(sorted(word if "/" in word else f"{namespace}/{word}" for word in words if word))


def _one_of(kind: type[T], word: str | None) -> T | None:
    return kind(word) if word in set(kind) else None
