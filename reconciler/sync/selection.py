"""Which units a run may touch: narrowed by the command line, or suspended in the repo."""

from collections.abc import Mapping

from reconciler.model import selectors
from reconciler.model.authored import LabelSelector
from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import UsageError
from reconciler.model.feed import Unit
from reconciler.model.snapshot import Snapshot
from reconciler.sync.options import Narrow

SUSPEND = "reconciler.clusternet.io/suspend"
"""Annotation of a Subscription or ManagedCluster; `"true"` leaves everything of it as it is."""


def parse_selector(text: str) -> LabelSelector:
    """A selector in kubectl's syntax: `a=b,c!=d,e in (f,g),h,!i`. UsageError when it is none."""
    selector = selectors.parsed(text)
    if selector is None:
        raise UsageError("bad-selector", f"{text!r} is no label selector", "as in kubectl: -l env=prod,tier!=db")
    return selector


class Selection:
    """Answers, unit by unit, whether a run may touch it."""

    def __init__(self, narrow: Narrow, facts: Mapping[str, ClusterFacts], snapshot: Snapshot) -> None:
        self._narrow = narrow
        self._clusters = None if not (narrow.clusters or narrow.selector) else _chosen(narrow, facts)
        self._suspended = _suspended(facts, snapshot)

    def includes(self, unit: Unit) -> bool:
        """Whether the command line asks for this unit."""
        named = self._narrow.subscriptions
        if named and unit.subscription not in named and unit.subscription.partition("/")[2] not in named:
            return False
        return self._clusters is None or unit.cluster in self._clusters

    def suspended(self, unit: Unit) -> str:
        """Who suspends this unit; empty when nobody does."""
        return self._suspended.get(unit.subscription) or self._suspended.get(unit.cluster) or ""


def _chosen(narrow: Narrow, facts: Mapping[str, ClusterFacts]) -> frozenset[str]:
    known = {fact.name for fact in facts.values()} | facts.keys()
    unknown = sorted(narrow.clusters - known)
    if unknown:
        names = ", ".join(sorted(fact.name for fact in facts.values())[:8])
        raise UsageError("unknown-cluster", f"no cluster {', '.join(unknown)} in this fleet", f"there are: {names}")
    index = selectors.LabelIndex({i: fact.labels for i, fact in facts.items()})
    chosen = index.select(parse_selector(narrow.selector))
    if narrow.clusters:
        chosen &= {i for i, fact in facts.items() if i in narrow.clusters or fact.name in narrow.clusters}
    return chosen


def _suspended(facts: Mapping[str, ClusterFacts], snapshot: Snapshot) -> dict[str, str]:
    found = {i: f"cluster {f.name} is suspended" for i, f in facts.items() if f.annotations.get(SUSPEND) == "true"}
    for name, subscription in snapshot.subscriptions.items():
        if (subscription.value.metadata.annotations or {}).get(SUSPEND) == "true":
            found[name] = "suspended"
    return found
