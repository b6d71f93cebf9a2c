"""Nodes as numbers: how many replicas fit on them, and what is left once they are there.

A state of a cluster is a few tuples of whole numbers, so that thousands of them are compared and changed quickly.
Labels, taints and names of resources are looked at once for each kind of pod and sort of nodes.

The predictor of contract §2.8: per node the whole replicas that fit into what is free, added up over the nodes that
the pod may run on. Its mistakes are not kept: affinity and init containers count, a node with more requests than room
counts 0 and does not spoil its cluster, and a pod that fits nowhere is 0, not an error.
"""

from reconciler.model.clusters import ClusterFacts, NodeFact
from reconciler.scheduling.requirements import Requirements, amount_of
from reconciler.scheduling.taints import untolerated

UNLIMITED = 1 << 62
"""Room of a node that says nothing of what the pod asks for and nothing of pods."""

Nodes = tuple[NodeFact, ...]


def nodes_of(cluster: ClusterFacts) -> Nodes | None:
    """Its nodes; one big node with all that is allocatable where nobody looked at nodes; None when nothing is known."""
    if cluster.nodes is not None:
        return tuple(sorted(cluster.nodes))
    amounts = ((name, amount_of(name, text)) for name, text in cluster.allocatable.items())
    free = tuple(sorted((name, amount) for name, amount in amounts if amount is not None))
    return (NodeFact(free=free),) if free else None


def takes(node: NodeFact, need: Requirements) -> bool:
    """Whether the pod may run on the node at all: node selector, required affinity, taints."""
    labels = dict(node.labels)
    if untolerated(node.taints, need.tolerations) or not all(term.holds(labels) for term in need.selector):
        return False
    groups = need.affinity
    return groups is None or any(all(term.holds(labels) for term in group) for group in groups)


def room(nodes: Nodes, need: Requirements) -> int:
    """Replicas that fit on all nodes together."""
    sorts = Sorts()
    return room_in(sorts.state(nodes), Asks(sorts, need))


def short_of(nodes: Nodes | None, need: Requirements) -> str:
    """Why not one replica fits, in words."""
    if nodes is None:
        return "nothing is known of its capacity"
    able = [node for node in nodes if takes(node, need)]
    if not able:
        return "no node that its pods may run on (node selector, affinity or taints)"
    wanted = (*need.requests, ("pods", 1))
    free = [dict(node.free) for node in able]
    short = [n for n, amount in wanted if not any(f.get(n, 1 if n == "pods" else 0) >= amount for f in free)]
    return f"not enough {', '.join(short)}" if short else "no node has enough of everything"


Group = tuple[tuple[int, ...], int, int]
"""What is free on each of some nodes that are alike, the number of their sort, and how many they are."""
State = tuple[Group, ...]
"""Sorted; a group is there once."""
Ask = tuple[tuple[int, int], ...]
"""What one replica takes: position in what is free, and amount."""


class Sorts:
    """Sorts of nodes: those with the same labels, taints and resources have one number."""

    def __init__(self) -> None:
        """None yet."""
        self.all: list[NodeFact] = []
        """By number; counts and amounts have no meaning."""
        self._numbers: dict[tuple[object, ...], int] = {}

    def state(self, nodes: Nodes) -> State:
        """The nodes as numbers."""
        counts: dict[tuple[tuple[int, ...], int], int] = {}
        for node in nodes:
            sort = (node.labels, node.taints, tuple(name for name, _ in node.free))
            if sort not in self._numbers:
                self._numbers[sort] = len(self.all)
                self.all.append(node)
            group = (tuple(amount for _, amount in node.free), self._numbers[sort])
            counts[group] = counts.get(group, 0) + node.count
        return _state(counts)

    def nodes(self, state: State) -> Nodes:
        """The numbers as nodes."""
        return tuple(self._node(*group) for group in state)

    def _node(self, free: tuple[int, ...], sort: int, count: int) -> NodeFact:
        like = self.all[sort]
        named = tuple((name, amount) for (name, _), amount in zip(like.free, free, strict=True))
        return NodeFact(count, like.labels, like.taints, named)


class Asks(dict[int, Ask | None]):
    """What one kind of pod takes on each sort of nodes; None where it cannot run."""

    def __init__(self, sorts: Sorts, need: Requirements) -> None:
        """Worked out when asked."""
        self._sorts, self._need = sorts, need

    def __missing__(self, sort: int) -> Ask | None:
        node = self._sorts.all[sort]
        wanted = {"pods": 1, **dict(self._need.requests)}
        names = [name for name, _ in node.free]
        able = takes(node, self._need) and all(name in names for name, _ in self._need.requests)
        found = tuple((at, wanted[name]) for at, name in enumerate(names) if name in wanted)
        self[sort] = answer = found if able else None
        return answer


def _fits(free: tuple[int, ...], ask: Ask) -> int:
    """Replicas that fit on one node; 0 where more is asked for than there is."""
    if free and min(free) < 0:
        return 0
    return min([free[at] // amount for at, amount in ask]) if ask else UNLIMITED


def room_in(state: State, asks: Asks) -> int:
    """Replicas that fit on all nodes together."""
    whole = 0
    for free, sort, count in state:
        ask = asks[sort]
        if ask is not None:
            whole += count * _fits(free, ask)
    return min(UNLIMITED, whole)


def taken(state: State, asks: Asks, replicas: int) -> State:
    """The nodes with so many replicas more. They are put where the fewest fit; what fits nowhere overfills them."""
    counts = {(free, sort): count for free, sort, count in state}
    left = replicas
    for most, (free, sort, count), ask in _able(state, asks):
        if not left:
            break
        if most:
            full, rest = divmod(min(left, most * count), most)
            left -= full * most + rest
            _changed(counts, (free, sort), _with(free, ask, -most), full)
            _changed(counts, (free, sort), _with(free, ask, -rest), 1 if rest else 0)
    return given(_state(counts), asks, -left) if left else _state(counts)


def given(state: State, asks: Asks, replicas: int) -> State:
    """The nodes with so many replicas less, as if they had run evenly on those that take them, fullest first."""
    counts = {(free, sort): count for free, sort, count in state}
    able = _able(state, asks)
    each, more = divmod(replicas, sum(count for _, (_, _, count), _ in able) or 1)
    for _, (free, sort, count), ask in able:
        extra = min(more, count)
        more -= extra
        _changed(counts, (free, sort), _with(free, ask, each + 1), extra)
        _changed(counts, (free, sort), _with(free, ask, each), count - extra)
    return _state(counts)


def _able(state: State, asks: Asks) -> list[tuple[int, Group, Ask]]:
    """Groups that the pod may run on, with the replicas that fit on one node, the fewest first."""
    return sorted((_fits(group[0], ask), group, ask) for group in state if (ask := asks[group[1]]) is not None)


def _with(free: tuple[int, ...], ask: Ask, replicas: int) -> tuple[int, ...]:
    """What is free with room for so many replicas more, or less."""
    after = list(free)
    for at, amount in ask:
        after[at] += replicas * amount
    return tuple(after)


Counts = dict[tuple[tuple[int, ...], int], int]


def _changed(counts: Counts, before: tuple[tuple[int, ...], int], free: tuple[int, ...], number: int) -> None:
    """So many nodes became others."""
    if number:
        counts[before] -= number
        after = (free, before[1])
        counts[after] = counts.get(after, 0) + number


def _state(counts: Counts) -> State:
    return tuple(sorted((free, sort, count) for (free, sort), count in counts.items() if count))
