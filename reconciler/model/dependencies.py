"""What Subscriptions say about their order among each other, read and freed of cycles."""

import graphlib
from collections.abc import Mapping

from reconciler.model.applying import DEPENDS_ON

After = Mapping[str, tuple[str, ...]]
"""By Subscription (`namespace/name`) those that it depends on."""


def depends_on(annotations: Mapping[str, str], namespace: str) -> tuple[str, ...]:
    """The Subscriptions (`namespace/name`) that one depends on, sorted."""
    words = {word.strip() for word in annotations.get(DEPENDS_ON, "").split(",")}
    return tuple(sorted(word if "/" in word else f"{namespace}/{word}" for word in words if word))


def dependents(after: After) -> After:
    """By Subscription those of these that depend on it, sorted; dependencies inside cycles do not count."""
    found: dict[str, list[str]] = {}
    for name, needs in sorted(without_cycles(after)[0].items()):
        for need in needs:
            found.setdefault(need, []).append(name)
    return {need: tuple(names) for need, names in found.items()}


def without_cycles(after: After) -> tuple[After, tuple[tuple[str, ...], ...]]:
    """The dependencies without those inside cycles, and the cycles: each depends on the next, the last on the first.

    A Subscription that depends on itself is a cycle of one.
    """
    kept = {name: set(needs) for name, needs in sorted(after.items())}
    cycles = [(name,) for name, needs in kept.items() if name in needs]
    for (name,) in cycles:
        kept[name].discard(name)
    found: list[tuple[str, ...]] = list(cycles)
    while True:
        try:
            graphlib.TopologicalSorter({name: sorted(needs) for name, needs in kept.items()}).prepare()
        except graphlib.CycleError as error:
            # graphlib names each one before the one that needs it, the first one again at the end
            loop = tuple(reversed(error.args[1]))[:-1]
            at = loop.index(min(loop))
            found.append((*loop[at:], *loop[:at]))
            for name in loop:
                kept[name] -= set(loop)
        else:
            return {name: tuple(sorted(needs)) for name, needs in kept.items()}, tuple(sorted(found))
