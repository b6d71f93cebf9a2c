"""How large and how deep a document may get while a patch copies parts of it into each other.

Copies share structure, so that a few hundred operations could make a document that no memory holds once it is written.
"""

from typing import Any

DEEPEST = 300
"""Levels; files have 200 at most, and encoders give up near 1000."""
LARGEST = 200_000
"""Values, shared ones counted each time."""


class Bounds:
    """Measures documents that share structure, each part once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, int]] = {}
        self._kept: list[Any] = []

    def allow(self, document: Any) -> bool:
        """Whether the document is small enough. Precondition: its containers are never changed in place."""
        size, depth = self._measured(document)
        return size <= LARGEST and depth <= DEEPEST

    def _measured(self, value: Any) -> tuple[int, int]:
        if not isinstance(value, dict | list):
            return 1, 0
        known = self._known.get(id(value))
        if known is None:
            size, depth = 1, 0
            for member in value.values() if isinstance(value, dict) else value:
                inner, below = self._measured(member)
                size, depth = size + inner, max(depth, below)
            known = self._known[id(value)] = size, depth + 1
            self._kept.append(value)  # its id must not be given to another one
        return known
