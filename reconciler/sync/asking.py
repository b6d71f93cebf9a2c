"""What the children themselves are asked, because no list of clusters tells it: room on their nodes, kinds they serve.

Asked is only what the commit needs: the room of clusters that a Subscription divided by capacity selects, version and
kinds of those that get charts. All at once, each on its own; one that does not answer keeps what is known of it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from reconciler.adapters.kube.client import Client
from reconciler.apply import childfacts
from reconciler.model.authored import SubscriptionSpec
from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import ApiError, ReconcilerError, Unreachable
from reconciler.model.selectors import LabelIndex
from reconciler.model.snapshot import Snapshot
from reconciler.sync.room import Room

AT_ONCE = 64
"""Children that are asked at once, not counting those that are silent."""
PATIENCE = 20.0
"""Seconds after which a child that does not answer is passed over."""

Connect = Callable[[ClusterFacts], Awaitable[Client]]


class Silence(msgspec.Struct, frozen=True):
    """Why a child was not asked."""

    why: str
    lost: bool = False
    """It is out of reach: nothing new can be brought there either."""


Silent = Mapping[str, Silence]
"""Children that were not asked, by cluster id."""


class Questions(msgspec.Struct, frozen=True):
    """Which clusters are asked for what, by id."""

    room: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    offered: frozenset[str] = frozenset()
    """Asked for their room too, where the account may: nothing depends on it yet."""

    @property
    def clusters(self) -> tuple[str, ...]:
        """All that are asked anything, sorted."""
        return tuple(sorted(self.room | self.kinds | self.offered))


def divides_by_room(spec: SubscriptionSpec) -> bool:
    """Whether a Subscription divides replicas by capacity."""
    dividing = spec.dividing_scheduling
    return spec.scheduling_strategy == "Dividing" and dividing is not None and dividing.type == "Dynamic"


def questions(snapshot: Snapshot, facts: Mapping[str, ClusterFacts]) -> Questions:
    """What a commit needs to know of the clusters that it selects."""
    charted = {
        name
        for name, feeds in snapshot.feeds.items()
        if any((named.feed.object.group, named.feed.kind) == ("apps.clusternet.io", "HelmChart") for named in feeds)
    }
    divided = {name for name, sourced in snapshot.subscriptions.items() if divides_by_room(sourced.value.spec)}
    if not charted and not divided:
        return Questions()
    index = LabelIndex({i: cluster.labels for i, cluster in facts.items()})

    def selected(names: set[str]) -> frozenset[str]:
        subscriptions = (snapshot.subscriptions[name].value for name in names & snapshot.subscriptions.keys())
        subscribers = (subscriber for one in subscriptions for subscriber in one.spec.subscribers)
        return frozenset().union(*(index.select(subscriber.cluster_affinity) for subscriber in subscribers))

    return Questions(selected(divided), selected(charted))


async def asked(
    facts: Mapping[str, ClusterFacts], wanted: Questions, connect: Connect
) -> tuple[Mapping[str, ClusterFacts], Silent]:
    """The facts with the answers of the children, and who did not answer."""
    room = Room(AT_ONCE)
    known: dict[str, ClusterFacts] = dict(facts)
    silent: dict[str, Silence] = {}

    async def ask(cluster: str) -> None:
        async with room.stay() as stay:
            try:
                async with asyncio.timeout(PATIENCE):
                    child = await connect(facts[cluster])
                    stay.listen(child.heard)
                    known[cluster] = await answer(child, facts[cluster], wanted)
            except TimeoutError:
                silent[cluster] = Silence(f"it did not answer within {PATIENCE:g} s", lost=True)
            except ReconcilerError as error:
                silent[cluster] = Silence(_why(error), isinstance(error, Unreachable))

    async with asyncio.TaskGroup() as group:
        for cluster in wanted.clusters:
            group.create_task(ask(cluster), name=f"ask {cluster}")
    return known, dict(sorted(silent.items()))


def cautious(facts: Mapping[str, ClusterFacts], wanted: Questions, silent: Silent) -> Mapping[str, ClusterFacts]:
    """The facts, in which a cluster out of reach has no room: a sum of which nothing was taken off would promise it.

    What it has stays there; where its nodes are known from a file, they count as the file says.
    """
    lost = {i for i, silence in silent.items() if silence.lost and i in wanted.room and facts[i].nodes is None}
    return {i: msgspec.structs.replace(one, allocatable={}) if i in lost else one for i, one in facts.items()}


async def answer(child: Client, cluster: ClusterFacts, wanted: Questions) -> ClusterFacts:
    """The facts of one cluster with what it says itself, as far as it is asked. Raises as the verbs of a client."""
    if cluster.id in wanted.kinds:
        cluster = await childfacts.with_kinds(child, cluster)
    if cluster.id in wanted.room | wanted.offered:
        try:
            cluster = await childfacts.with_room(child, cluster)
        except ApiError as error:
            if error.status != 403 or cluster.id in wanted.room:
                raise
    return cluster


def _why(error: ReconcilerError) -> str:
    if isinstance(error, ApiError) and error.status == 403:
        return f"{error.message}; `reconciler cluster add` gives its account the right"
    return error.message
