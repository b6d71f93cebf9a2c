"""The room of the fleet while Subscriptions take of it one after the other.

Clusters whose nodes are alike share one state, and every answer is worked out once per state: a fleet of equal clusters
costs as much as one of them. The ledger is the only thing of this room that changes, and it lives for one call.
"""

from collections.abc import Iterable, Mapping, Sequence

from reconciler.model.clusters import ClusterFacts
from reconciler.scheduling.nodes import Asks, Sorts, State, given, nodes_of, room_in, short_of, taken
from reconciler.scheduling.requirements import Requirements


class _Rooms(dict[int, int]):
    """Room by number of state, for one kind of pod."""

    def __init__(self, states: Sequence[State | None], asks: Asks) -> None:
        self._states, self._asks = states, asks

    def __missing__(self, number: int) -> int:
        state = self._states[number]
        self[number] = answer = 0 if state is None else room_in(state, self._asks)
        return answer


class Ledger:
    """What is free on every cluster, while Subscriptions take of it one after the other."""

    def __init__(self, facts: Mapping[str, ClusterFacts]) -> None:
        """Begin with what is free as the facts tell."""
        self.states: list[State | None] = []
        """By number, those that any cluster is or was in."""
        self.at: dict[str, int] = {}
        """Number of the state that each cluster is in; may be set back to an earlier one."""
        self.sorts = Sorts()
        self._numbers: dict[State | None, int] = {}
        self._pods: dict[Requirements, Pods] = {}
        self.unknown: set[str] = set()
        """Clusters of whose capacity nothing is known."""
        kinds: dict[tuple[object, ...], int] = {}
        for cluster in facts.values():
            kind = (cluster.nodes, *sorted(cluster.allocatable.items()))
            if kind not in kinds:
                nodes = nodes_of(cluster)
                kinds[kind] = self.number(None if nodes is None else self.sorts.state(nodes))
            self.at[cluster.id] = kinds[kind]
            if self.states[kinds[kind]] is None:
                self.unknown.add(cluster.id)

    def pods(self, need: Requirements) -> "Pods":
        """Room for one kind of pod."""
        found = self._pods.get(need)
        if found is None:
            found = self._pods[need] = Pods(self, need)
        return found

    def number(self, state: State | None) -> int:
        """The number of a state; equal states have one number."""
        number = self._numbers.get(state)
        if number is None:
            number = self._numbers[state] = len(self.states)
            self.states.append(state)
        return number


class Pods:
    """Room for pods that ask for the same."""

    def __init__(self, ledger: Ledger, need: Requirements) -> None:
        """Of one ledger, which it changes."""
        self._ledger, self._need = ledger, need
        self._asks = Asks(ledger.sorts, need)
        self._rooms = _Rooms(ledger.states, self._asks)
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
            now = self._ledger.states[state]
            nodes = None if now is None else self._ledger.sorts.nodes(now)
            said = self._short[state] = short_of(nodes, self._need)
        return said

    def change(self, cluster: str, more: int) -> None:
        """So many replicas more on a cluster; negative for less. Nothing changes where nothing is known."""
        step = (self._ledger.at[cluster], more)
        number = self._after.get(step)
        if number is None:
            state = self._ledger.states[step[0]]
            if state is not None and more:
                state = taken(state, self._asks, more) if more > 0 else given(state, self._asks, -more)
            number = self._after[step] = self._ledger.number(state)
        self._ledger.at[cluster] = number
