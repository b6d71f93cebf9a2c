"""What one Dynamic Subscription wants and what it has, before anything is added.

It keeps what it has on clusters that still are candidates. From that go first the clusters above `maxClusters`, then
what is wanted no longer; neither depends on capacity, so all Subscriptions can be brought here before any grows.
"""

from collections.abc import Iterable, Mapping, Sequence

from reconciler.model.authored import DynamicDividing, Subscription
from reconciler.model.snapshot import Sourced
from reconciler.scheduling import nodeterms
from reconciler.scheduling.capacity import Ledger, Pods
from reconciler.scheduling.fleet import Candidates, Fleet, Rows
from reconciler.scheduling.replicas import Scalable
from reconciler.scheduling.spread import scaled_down

_DEFAULT = DynamicDividing()


class Part:
    """One feed with replicas of a claim."""

    def __init__(self, feed: Scalable, pods: Pods, before: Rows, candidates: frozenset[str]) -> None:
        """Begin with what the candidates hold."""
        self.feed, self.pods = feed, pods
        self.before = {c: row[feed.feed] for c, row in before.items() if feed.feed in row}
        self.held = {c: n for c, n in self.before.items() if n > 0 and c in candidates}
        self.lost = sum(n for c, n in self.before.items() if c not in candidates)

    @property
    def missing(self) -> int:
        """Replicas that are wanted and not held."""
        return self.feed.wanted - sum(self.held.values())

    def move(self, cluster: str, more: int) -> None:
        """So many replicas more, or less, on a cluster."""
        left = self.held.get(cluster, 0) + more
        if left:
            self.held[cluster] = left
        else:
            self.held.pop(cluster, None)


class Claim:
    """A Dynamic Subscription while the run goes on."""

    def __init__(
        self, name: str, sourced: Sourced[Subscription], found: Candidates, feeds: Sequence[Scalable], ledger: Ledger
    ) -> None:
        """Nothing is held yet."""
        spec = sourced.value.spec
        self.name, self.sourced, self.candidates = name, sourced, found
        self.dynamic = (spec.dividing_scheduling and spec.dividing_scheduling.dynamic_dividing) or _DEFAULT
        self.priority = spec.priority or 0
        self.preempts = spec.preemption_policy != "PreemptNever"
        self.clusters = found.clusters
        self.scores: Mapping[str, int] = {}
        self.before: Rows = {}
        self.parts: list[Part] = []
        self.open: Sequence[str] = self.clusters
        """Candidates that may get replicas."""
        self.reasons: dict[tuple[str, str], str] = {}
        """Why a feed has less on a cluster, where it is not because of its total: by feed and cluster."""
        self._feeds, self._ledger = feeds, ledger

    def begin(self, fleet: Fleet) -> None:
        """Take over what was held; give up what is too much."""
        self.before = fleet.before(self.name)
        preferred = self.dynamic.preferred_clusters or ()
        if preferred:
            self.scores = {c: nodeterms.score(fleet.facts[c], preferred) for c in self.clusters}
        here = frozenset(self.clusters)
        self.parts = [Part(feed, self._ledger.pods(feed.need), self.before, here) for feed in self._feeds]
        self._limit()
        for part in self.parts:
            if part.missing < 0:
                self._shrink(part, -part.missing)

    def held(self) -> dict[str, int]:
        """Replicas of all feeds together, by cluster."""
        total: dict[str, int] = {}
        for part in self.parts:
            for cluster, count in part.held.items():
                total[cluster] = total.get(cluster, 0) + count
        return total

    def tiers(self, clusters: Iterable[str]) -> list[list[str]]:
        """Clusters by score, the most preferred first; in their order where scores are equal."""
        if not self.scores:
            return [list(clusters)]
        by_score: dict[int, list[str]] = {}
        for cluster in clusters:
            by_score.setdefault(self.scores[cluster], []).append(cluster)
        return [by_score[score] for score in sorted(by_score, reverse=True)]

    def ranked(self, clusters: Iterable[str]) -> list[str]:
        """Clusters by score, then in their order."""
        return [cluster for tier in self.tiers(clusters) for cluster in tier]

    def _limit(self) -> None:
        """Leave clusters above `maxClusters`: the less preferred first, then those with the fewest replicas."""
        most, total = self.dynamic.max_clusters, self.held()
        if most is None or len(total) <= most:
            return
        order = self.ranked(c for c in self.clusters if c in total)
        order.sort(key=lambda cluster: (-self.scores.get(cluster, 0), -total[cluster]))
        for cluster in order[most:]:
            for part in self.parts:
                if part.held.pop(cluster, 0):
                    self.reasons[part.feed.feed, cluster] = f"maxClusters is {most}"

    def _shrink(self, part: Part, surplus: int) -> None:
        """Take replicas away: the least preferred first, then as the strategy says."""
        had = self.held()
        where = [cluster for cluster in self.clusters if cluster in part.held]
        marks = self.candidates.unpreferred
        for tier in reversed(self.tiers(sorted(where, key=lambda cluster: -marks.get(cluster, 0)))):
            have = [part.held[cluster] for cluster in tier]
            less = min(surplus, sum(have))
            surplus -= less
            stays = _packed_down(less, have) if self.dynamic.strategy == "Binpack" else scaled_down(less, have)
            for cluster, left, before in zip(tier, stays, have, strict=True):
                part.move(cluster, left - before)
        self._keep_minimum(part, had)

    def _keep_minimum(self, part: Part, had: Mapping[str, int]) -> None:
        """Put one replica back on clusters that lost their last one, as far as `minClusters` asks and others can."""
        total = self.held()
        for cluster in self.ranked(c for c in self.clusters if c in had and c not in total):
            if len(total) >= (self.dynamic.min_clusters or 0):
                return
            donor = max(reversed(list(part.held)), key=lambda c: total[c], default=None)
            if donor is None or total[donor] < 2:
                return
            part.move(donor, -1)
            part.move(cluster, 1)
            total = self.held()


def _packed_down(less: int, held: Sequence[int]) -> list[int]:
    """What stays when the emptiest give first, so that clusters become free; ties from the last."""
    stays = list(held)
    for position in sorted(range(len(held)), key=lambda at: (held[at], -at)):
        gone = min(less, stays[position])
        stays[position] -= gone
        less -= gone
    return stays
