"""How many replicas still fit on a cluster, and what is left once they are there.

Clusters whose nodes are alike share one state, and every answer is worked out once per state: a fleet of equal clusters
costs as much as one of them. The ledger is the only thing of this room that changes, and it lives for one call.

The predictor of contract §2.8: per node the whole replicas that fit into what is free, added up over the nodes that
the pod may run on. Its mistakes are not kept: affinity and init containers count, a node with more requests than room
counts 0 and does not spoil its cluster, and a pod that fits nowhere is 0, not an error.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

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


def fits(node: NodeFact, need: Requirements) -> int:
    """Replicas that fit on one such node."""
    free = dict(node.free)
    if any(amount < 0 for amount in free.values()):
        return 0
    rooms = [free.get(name, 0) // amount for name, amount in need.requests]
    return min([*rooms, free.get("pods", UNLIMITED)])


def room(nodes: Nodes, need: Requirements) -> int:
    """Replicas that fit on all nodes together."""
    return min(UNLIMITED, sum(node.count * fits(node, need) for node in nodes if takes(node, need)))


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


def taken(nodes: Nodes, need: Requirements, replicas: int) -> Nodes:
    """The nodes with so many replicas more. They are put where the fewest fit; what fits nowhere takes nothing."""
    by_room = sorted((fits(node, need), node) for node in nodes if takes(node, need))
    changed: list[tuple[NodeFact, NodeFact, int]] = []
    left = replicas
    for most, node in by_room:
        if left and most:
            full, rest = divmod(min(left, most * node.count), most)
            left -= full * most + rest
            changed += [(node, _with(node, need, -most), full), (node, _with(node, need, -rest), 1 if rest else 0)]
    return _merged(nodes, changed)


def given(nodes: Nodes, need: Requirements, replicas: int) -> Nodes:
    """The nodes with so many replicas less, as if they had run evenly on those that take them, fullest first."""
    able = sorted((fits(node, need), node) for node in nodes if takes(node, need))
    each, more = divmod(replicas, sum(node.count for _, node in able) or 1)
    changed: list[tuple[NodeFact, NodeFact, int]] = []
    for _, node in able:
        extra = min(more, node.count)
        more -= extra
        changed += [(node, _with(node, need, each + 1), extra), (node, _with(node, need, each), node.count - extra)]
    return _merged(nodes, changed)


def _with(node: NodeFact, need: Requirements, replicas: int) -> NodeFact:
    """One node with room for so many replicas more, or less."""
    asked = {"pods": 1, **dict(need.requests)}
    free = tuple((name, amount + replicas * asked.get(name, 0)) for name, amount in node.free)
    return NodeFact(1, node.labels, node.taints, free)


def _merged(nodes: Nodes, changed: Iterable[tuple[NodeFact, NodeFact, int]]) -> Nodes:
    """Nodes of which so many became others; equal ones are counted together."""
    counts: dict[NodeFact, int] = {}
    for node in nodes:
        kind = msgspec.structs.replace(node, count=1)
        counts[kind] = counts.get(kind, 0) + node.count
    for before, after, number in changed:
        if number:
            counts[msgspec.structs.replace(before, count=1)] -= number
            counts[after] = counts.get(after, 0) + number
    alike = ((kind, number) for kind, number in counts.items() if number > 0)
    return tuple(sorted(msgspec.structs.replace(kind, count=number) for kind, number in alike))


class _Rooms(dict[int, int]):
    """Room by number of state, for one kind of pod."""

    def __init__(self, states: Sequence[Nodes | None], need: Requirements) -> None:
        self._states, self._need = states, need

    def __missing__(self, state: int) -> int:
        nodes = self._states[state]
        self[state] = answer = 0 if nodes is None else room(nodes, self._need)
        return answer


class Ledger:
    """What is free on every cluster, while Subscriptions take of it one after the other."""

    def __init__(self, facts: Mapping[str, ClusterFacts]) -> None:
        """Begin with what is free as the facts tell."""
        self.states: list[Nodes | None] = []
        """By number, those that any cluster is or was in."""
        self.at: dict[str, int] = {}
        """Number of the state that each cluster is in; may be set back to an earlier one."""
        self._numbers: dict[Nodes | None, int] = {}
        self._pods: dict[Requirements, Pods] = {}
        self.unknown: set[str] = set()
        """Clusters of whose capacity nothing is known."""
        kinds: dict[tuple[object, ...], int] = {}
        for cluster in facts.values():
            kind = (cluster.nodes, *sorted(cluster.allocatable.items()))
            if kind not in kinds:
                kinds[kind] = self.number(nodes_of(cluster))
            self.at[cluster.id] = kinds[kind]
            if self.states[kinds[kind]] is None:
                self.unknown.add(cluster.id)

    def pods(self, need: Requirements) -> "Pods":
        """Room for one kind of pod."""
        found = self._pods.get(need)
        if found is None:
            found = self._pods[need] = Pods(self, need)
        return found

    def number(self, nodes: Nodes | None) -> int:
        """The number of a state; equal states have one number."""
        number = self._numbers.get(nodes)
        if number is None:
            number = self._numbers[nodes] = len(self.states)
            self.states.append(nodes)
        return number


class Pods:
    """Room for pods that ask for the same."""

    def __init__(self, ledger: Ledger, need: Requirements) -> None:
        """Of one ledger, which it changes."""
        self._ledger, self._need = ledger, need
        self._rooms = _Rooms(ledger.states, need)
        self._after: dict[tuple[int, int], int] = {}
        self._short: dict[int, str] = {}

    def rooms(self, clusters: Iterable[str]) -> list[int]:
        """Replicas that still fit on each cluster; 0 where nothing is known."""
        known, at = self._rooms, self._ledger.at
        return [known[at[cluster]] for cluster in clusters]

    def room(self, cluster: str) -> int:
        """Replicas that still fit on one cluster."""
        return self._rooms[self._ledger.at[cluster]]

    def short_of(self, cluster: str) -> str:
        """Why not one replica more fits, in words."""
        state = self._ledger.at[cluster]
        said = self._short.get(state)
        if said is None:
            said = self._short[state] = short_of(self._ledger.states[state], self._need)
        return said

    def change(self, cluster: str, more: int) -> None:
        """So many replicas more on a cluster; negative for less. Nothing changes where nothing is known."""
        step = (self._ledger.at[cluster], more)
        number = self._after.get(step)
        if number is None:
            nodes = self._ledger.states[step[0]]
            if nodes is not None and more:
                nodes = taken(nodes, self._need, more) if more > 0 else given(nodes, self._need, -more)
            number = self._after[step] = self._ledger.number(nodes)
        self._ledger.at[cluster] = number
