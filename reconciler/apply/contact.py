"""First contact with objects that the inventory lacks: looked at before the first write, in one LIST per collection.

Objects whose namespace or definition comes in the same delivery cannot be looked at yet; they are looked at, and
decided by the same pure function, when their wave comes.
"""

from collections.abc import Iterable, Sequence

import msgspec

from reconciler.adapters.kube.client import Client
from reconciler.apply import observe
from reconciler.apply.expected import Expected
from reconciler.model.feed import RenderedObject
from reconciler.model.inventory import Entry
from reconciler.model.objects import ObjectKey
from reconciler.model.plan import Action, Approach, Change
from reconciler.planning import contact


class Met(msgspec.Struct, frozen=True):
    """What was seen of a cluster before anything is written to it."""

    observed: observe.Observed
    later: frozenset[ObjectKey] = frozenset()
    """New objects that nobody can look at yet."""


async def look(client: Client, new: Sequence[RenderedObject], owned: Iterable[Entry], expected: Expected) -> Met:
    """Look at new objects, and at objects that we own; at definitions first, because others live in them."""
    fresh = [(obj.api_version, obj.key) for obj in new]
    homes = [one for one in fresh if is_home(one[1])]
    first = await observe.look(client, observe.asked(homes))
    missing = _missing(homes, first, expected)
    later = {key for _, key in fresh if key.namespace in missing.namespaces or (key.group, key.kind) in missing.kinds}
    ours = [(entry.api_version, entry.key) for entry in owned]
    rest = [one for one in fresh if one[1] not in later and not is_home(one[1])]
    about = observe.asked([*rest, *ours])
    cached = about.keys() - observe.asked(rest).keys()
    second = await observe.look(client, about, cached=frozenset(cached))
    waiting = {key for version, key in rest if observe.collection(version, key) in second.unserved}
    return Met(
        observe.Observed({**first.objects, **second.objects}, {**first.errors, **second.errors}),
        frozenset(later | {key for key in waiting if expected.covers(key)}),
    )


def is_home(key: ObjectKey) -> bool:
    """Whether other objects live in it: a Namespace, or a CustomResourceDefinition."""
    return (key.group, key.kind) in (("", "Namespace"), ("apiextensions.k8s.io", "CustomResourceDefinition"))


def _missing(homes: Iterable[tuple[str, ObjectKey]], seen: observe.Observed, expected: Expected) -> Expected:
    """The namespaces and kinds that this delivery brings and that are not there."""
    absent = {key.name for _, key in homes if key not in seen.objects}
    kinds = {kind: name for kind, name in expected.definitions.items() if name in absent}
    return Expected(expected.namespaces & absent, frozenset(kinds))


class Meeting:
    """Decides, when their wave comes, about objects that could not be looked at before."""

    def __init__(self, client: Client, approach: Approach) -> None:
        self._client = client
        self._approach = msgspec.structs.replace(approach, later=frozenset())

    async def decided(self, wave: Sequence[Change]) -> tuple[Change, ...]:
        """The wave, with a decision about every object of it. Raises what the server says to a LIST."""
        waiting = [change for change in wave if change.action is Action.LATER]
        if not waiting:
            return tuple(wave)
        answers = await self._decide(waiting)
        return tuple(answers.get(change.key, change) for change in wave)

    async def again(self, change: Change) -> Change:
        """The decision about one object that is another one than the inventory, or an earlier look, says."""
        return (await self._decide([change]))[change.key]

    async def _decide(self, changes: Sequence[Change]) -> dict[ObjectKey, Change]:
        observed = await observe.look(self._client, observe.asked((c.api_version, c.key) for c in changes))
        return {change.key: self._one(change, observed) for change in changes}

    def _one(self, change: Change, observed: observe.Observed) -> Change:
        if change.wanted is None:
            return change
        seen = observe.met(observed, change.api_version, change.key)
        decided = contact.decide(change.wanted, change.entry, seen, self._approach)
        return msgspec.structs.replace(decided, awaits=change.awaits)
