"""What a Subscription says, by its annotations, about how its objects are applied. Reading is lenient: `check` told."""

from collections.abc import Mapping
from typing import TypeVar

from reconciler.model.applying import ADOPT, DRIFT, ON_REMOVAL, Adopt, Drift, Removal, Wishes

T = TypeVar("T", Adopt, Drift)


def wishes_of(annotations: Mapping[str, str], after: tuple[str, ...]) -> Wishes:
    """The wishes in the annotations of a Subscription that comes `after` others; what cannot be read is not wished."""
    return Wishes(
        after=after,
        adopt=_one_of(Adopt, annotations.get(ADOPT)),
        drift=_one_of(Drift, annotations.get(DRIFT)),
        orphan=annotations.get(ON_REMOVAL) == Removal.ORPHAN,
    )


def _one_of(kind: type[T], word: str | None) -> T | None:
    return kind(word) if word in set(kind) else None
