"""Objects that cannot come in the order in which they need each other, told once per Subscription."""

from collections.abc import Iterator

from reconciler.model.feed import Feeds, RenderedFeed
from reconciler.model.objects import Digest, ObjectKey
from reconciler.model.snapshot import Place, Problem, Snapshot
from reconciler.planning.waves import Member, Trouble, troubles
from reconciler.source.rules import problem


def problems(snapshot: Snapshot, feeds: Feeds) -> Iterator[Problem]:
    """Cycles, and waves that are too late, of every distinct feed of every Subscription."""
    seen: set[tuple[str, Digest]] = set()
    told: set[tuple[str, Trouble]] = set()
    for unit, feed in feeds.units.items():
        if (unit.subscription, feed.digest) in seen:
            continue
        seen.add((unit.subscription, feed.digest))
        for trouble in troubles(_members(feed)):
            if (unit.subscription, trouble) not in told:
                told.add((unit.subscription, trouble))
                yield _told(snapshot, unit.subscription, trouble)


def _members(feed: RenderedFeed) -> list[Member]:
    return [Member(found.key, found.api_version, found.body) for found in feed.objects]


def _told(snapshot: Snapshot, subscription: str, trouble: Trouble) -> Problem:
    place, first = _place(snapshot, subscription, trouble.chain[0]), trouble.chain[0]
    if trouble.waves is None:
        chain = " → ".join(str(key) for key in (*trouble.chain, first))
        return problem("order-cycle", place, (), f"objects of the Subscription {subscription} need each other: {chain}")
    wave, later = trouble.waves
    message = f"{first} is in wave {wave}, and needs {trouble.chain[-1]} ready, which is in wave {later}"
    return problem("order-too-late", place, (), message)


def _place(snapshot: Snapshot, subscription: str, key: ObjectKey) -> Place:
    """Where the object stands; the Subscription for one that a chart makes."""
    found = snapshot.resources.get(key)
    return found.place if found is not None else snapshot.subscriptions[subscription].place
