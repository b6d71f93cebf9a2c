"""Writes in waves: by what authors say, by kinds, and by what objects need of each other.

The place of an object is its wave, its stage and its depth. The wave is its annotation; the stage is that of its kind,
or of what it needs where that is later; the depth is how many objects of the same wave and stage stand behind each
other before it. A namespace or definition moves to the wave of the first object that cannot be without it. Otherwise
a wave that authors write wins over what references say. Objects of equal places are one wave, written side by side.
"""

import graphlib
import itertools
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from reconciler.model.applying import ARGO_WAVE, WAVE, whole
from reconciler.model.objects import Object, ObjectKey
from reconciler.model.plan import WRITES, Change
from reconciler.planning import order, references

Edges = dict[ObjectKey, dict[ObjectKey, bool]]
"""What each object needs, and whether it must be ready."""
_Place = tuple[int, int, int]


class Member(msgspec.Struct, frozen=True):
    """One object among those that are ordered."""

    key: ObjectKey
    api_version: str
    body: Object


class Trouble(msgspec.Struct, frozen=True, order=True):
    """Objects that cannot come in the order in which they need each other."""

    chain: tuple[ObjectKey, ...]
    """Each needs the next one; the last one of a cycle needs the first."""
    waves: tuple[int, int] | None = None
    """The waves of the first and the last, where these are what forbids it; None for a cycle."""


def arranged(changes: Iterable[Change]) -> tuple[tuple[Change, ...], ...]:
    """Writes in waves, with what each object awaits; no wave is empty. The order of `changes` means nothing."""
    ordered = sorted(changes, key=lambda change: order.rank(change.key))
    if not any(change.action in WRITES for change in ordered):
        return (tuple(ordered),) if ordered else ()
    found = _Order(
        Member(change.key, change.api_version, change.wanted.body if change.wanted else {}) for change in ordered
    )
    groups: dict[_Place, list[Change]] = {}
    for change in ordered:
        groups.setdefault(found.places[change.key], []).append(change)
    done: list[tuple[Change, ...]] = []
    before = _Before()
    for place in sorted(groups):
        before.enter(place[0])
        done.append(tuple(before.awaiting(change, found.ready(change.key)) for change in groups[place]))
        before.add(change.key for change in groups[place])
    return tuple(done)


class _Before:
    """The objects of the waves before one. Those that await the same waves share one tuple of them."""

    def __init__(self) -> None:
        self._wave: int | None = None
        self._all: list[ObjectKey] = []
        self._keys: tuple[ObjectKey, ...] = ()
        self._known: frozenset[ObjectKey] = frozenset()

    def enter(self, wave: int) -> None:
        if wave != self._wave:
            self._wave, self._keys, self._known = wave, tuple(self._all), frozenset(self._all)

    def add(self, keys: Iterable[ObjectKey]) -> None:
        self._all.extend(keys)

    def awaiting(self, change: Change, ready: tuple[ObjectKey, ...]) -> Change:
        more = tuple(key for key in ready if key not in self._known)
        awaits = (*self._keys, *more) if more else self._keys
        return msgspec.structs.replace(change, awaits=awaits) if awaits else change


def wave_of(body: Object) -> int:
    """The wave that an object asks for; 0 where it asks for none that can be read."""
    annotations = (body.get("metadata") or {}).get("annotations") or {}
    for name in (WAVE, ARGO_WAVE):
        if name in annotations:
            return whole(annotations[name]) or 0
    return 0


def troubles(members: Iterable[Member]) -> tuple[Trouble, ...]:
    """What cannot come in the order in which it is needed: cycles, and waves in which something is served too late."""
    return tuple(sorted(_Order(members).troubles))


class _Order:
    """The places of some objects."""

    def __init__(self, members: Iterable[Member]) -> None:
        self._members = {member.key: member for member in sorted(members, key=lambda member: order.rank(member.key))}
        self._definitions = _definitions(self._members.values())
        self._apis = _apis(self._members.values())
        self._waves = {key: wave_of(member.body) for key, member in self._members.items()}
        self._pull_forward()
        self.troubles: list[Trouble] = []
        self._edges = self._without_contradictions(self._needed())
        self.places = self._placed()

    def ready(self, key: ObjectKey) -> tuple[ObjectKey, ...]:
        """What must be ready before this object, sorted."""
        found = [need for need, ready in self._edges.get(key, {}).items() if ready]
        definition = self._definition_of(key)
        return tuple(sorted({*found, *definition}))

    def _definition_of(self, key: ObjectKey) -> tuple[ObjectKey, ...]:
        found = self._definitions.get((key.group, key.kind))
        return (found,) if found else ()

    def _pull_forward(self) -> None:
        for key in self._members:
            space = ObjectKey("", "Namespace", "", key.namespace)
            for first in (space, *self._definition_of(key)):
                if first in self._waves:
                    self._waves[first] = min(self._waves[first], self._waves[key])

    def _needed(self) -> Edges:
        pods = _Pods(self._members.values())
        edges: Edges = {}
        for key, member in self._members.items():
            found: dict[ObjectKey, bool] = {}
            for need in self._named(member):
                if need.key in self._members and need.key != key:
                    found.setdefault(need.key, False)
                    if need.served:
                        found.update(dict.fromkeys(pods.behind(self._members[need.key]), True))
            found.update(dict.fromkeys(self._apis.get(member.api_version, ()), True))
            found.pop(key, None)
            if found:
                edges[key] = dict(sorted(found.items()))
        for account, needs in edges.items():
            if account.kind == "ServiceAccount":
                for token in [need for need in needs if account in edges.get(need, {}) and need.kind == "Secret"]:
                    del needs[token]  # the account lists its own tokens, which the server lets come later
        return edges

    def _named(self, member: Member) -> Iterator[references.Need]:
        yield from references.needs(member.body, member.key)
        for definition in self._definition_of(member.key):
            converter = references.conversion(self._members[definition].body)
            if converter:
                yield converter

    def _without_contradictions(self, edges: Edges) -> Edges:
        kept: Edges = {}
        for key, needs in edges.items():
            for need, ready in needs.items():
                wave, later = self._waves[key], self._waves[need]
                if later <= wave:
                    kept.setdefault(key, {})[need] = ready
                elif ready:
                    self.troubles.append(Trouble((key, need), (wave, later)))
        return kept

    def _placed(self) -> dict[ObjectKey, _Place]:
        places = {key: (self._waves[key], order.write_wave(key), 0) for key in self._members}
        for key in self._sorted():
            for need in self._edges.get(key, {}):
                wave, stage, depth = places[need]
                if wave == places[key][0]:
                    places[key] = max(places[key], (wave, stage, depth + 1))
        return places

    def _sorted(self) -> list[ObjectKey]:
        """Objects after what they need. A cycle is opened where it costs least: at a need that need not be ready."""
        while True:
            try:
                return list(graphlib.TopologicalSorter(self._edges).static_order())
            except graphlib.CycleError as error:
                # graphlib names each object before the one that needs it, the first one again at the end
                loop: list[ObjectKey] = list(reversed(error.args[1]))
                pairs = list(itertools.pairwise(loop))
                user, need = min(pairs, key=lambda pair: (self._edges[pair[0]][pair[1]], order.rank(pair[0])))
                at = loop.index(min(loop))
                self.troubles.append(Trouble((*loop[at:-1], *loop[:at])))
                del self._edges[user][need]


class _Pods:
    """Which workloads stand behind a Service."""

    def __init__(self, members: Iterable[Member]) -> None:
        self._labels: dict[str, list[tuple[ObjectKey, Mapping[str, object]]]] = {}
        for member in members:
            labels = references.pod_labels(member.body, member.key)
            if labels:
                self._labels.setdefault(member.key.namespace, []).append((member.key, labels))

    def behind(self, service: Member) -> list[ObjectKey]:
        wanted = references.behind(service.body).items()
        found = self._labels.get(service.key.namespace, ()) if wanted else ()
        return [key for key, labels in found if all(labels.get(name) == value for name, value in wanted)]


def _definitions(members: Iterable[Member]) -> dict[tuple[str, str], ObjectKey]:
    found = {}
    for member in members:
        if (member.key.group, member.key.kind) == ("apiextensions.k8s.io", "CustomResourceDefinition"):
            spec = member.body.get("spec") or {}
            found[str(spec.get("group")), str((spec.get("names") or {}).get("kind"))] = member.key
    return found


def _apis(members: Iterable[Member]) -> dict[str, tuple[ObjectKey, ...]]:
    """The aggregated APIs by the `apiVersion` of their objects."""
    found: dict[str, tuple[ObjectKey, ...]] = {}
    for member in members:
        if (member.key.group, member.key.kind) == ("apiregistration.k8s.io", "APIService"):
            spec = member.body.get("spec") or {}
            if spec.get("service"):
                found[f"{spec.get('group')}/{spec.get('version')}"] = (member.key,)
    return found
