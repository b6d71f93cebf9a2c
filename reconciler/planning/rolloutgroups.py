"""Which rollout holds for a Subscription, and which clusters its groups have."""

import fnmatch
from collections.abc import Collection, Mapping, Sequence

import msgspec

from reconciler.model.clusters import ClusterFacts
from reconciler.model.rollout import Group, Rollout
from reconciler.model.selectors import LabelIndex

OTHERS = "(others)"
"""What the clusters of no group are called; no group can be named so in a commit trailer."""


class Members(msgspec.Struct, frozen=True):
    """One group with its clusters, in the order in which they are changed: by name."""

    group: Group
    clusters: tuple[str, ...]
    """Cluster ids."""

    @property
    def at_once(self) -> int:
        """How many of them may be on their way at a time: at least one."""
        return max(1, part(self.group.at_once, len(self.clusters)))

    @property
    def budget(self) -> int:
        """How many of them may fail."""
        return part(self.group.max_failures, len(self.clusters))


def rollout_of(rollouts: Sequence[Rollout], subscription: str) -> Rollout | None:
    """The first rollout that names a Subscription (`namespace/name`)."""
    for rollout in rollouts:
        if not rollout.subscriptions or any(fnmatch.fnmatchcase(subscription, name) for name in rollout.subscriptions):
            return rollout
    return None


def members(rollout: Rollout, facts: Mapping[str, ClusterFacts], clusters: Collection[str]) -> tuple[Members, ...]:
    """The groups of a rollout over some of the fleet's clusters; those of no group come last, empty ones are absent."""
    rest = sorted(clusters, key=lambda cluster: (facts[cluster].name, cluster))
    index = LabelIndex({cluster: facts[cluster].labels for cluster in rest})
    found = []
    for group in (*rollout.groups, Group(name=OTHERS)):
        chosen = index.select(group.clusters)
        mine = tuple(cluster for cluster in rest if cluster in chosen)
        rest = [cluster for cluster in rest if cluster not in chosen]
        if mine:
            found.append(Members(group, mine))
    return tuple(found)


def part(text: str, whole: int) -> int:
    """A number, or a part of a whole rounded down: `3`, `25%`."""
    return whole * int(text[:-1]) // 100 if text.endswith("%") else int(text)
