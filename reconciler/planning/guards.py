"""When deletes are held back: whatever may have been lost rather than removed stays until somebody acknowledges.

What a commit that reads clean removed (a file, a feed, a Subscription, a cluster leaving a selector) goes without a
question. Held are the deletes of a repo with errors, of a feed that became empty, of a Subscription that goes nowhere
any more, and of a cluster that vanished from the fleet. The digest of a guard acknowledges exactly the objects it
names: one more, and it is another digest.
"""

from collections.abc import Iterable

from reconciler.model.feed import RenderedFeed, Unit
from reconciler.model.objects import Digest, ObjectKey, digest_of
from reconciler.model.plan import Evidence, Guard


def guard(unit: Unit, feed: RenderedFeed | None, doomed: Iterable[ObjectKey], evidence: Evidence) -> Guard | None:
    """What holds these deletes back; None when nothing does, or it is acknowledged."""
    keys = tuple(sorted(doomed))
    found = _rule(unit, feed, evidence) if keys else None
    if found is None:
        return None
    rule, why = found
    held = Guard(
        rule, f"{len(keys)} {'object' if len(keys) == 1 else 'objects'} kept: {why}", keys, _digest(unit, keys)
    )
    return None if held.acknowledge in evidence.acknowledged else held


def unreachable_for_good(unit: Unit, evidence: Evidence) -> Guard | None:
    """Holds a unit whose cluster vanished, so that not even its inventory can be read; None once acknowledged."""
    held = Guard(
        "vanished-cluster",
        f"cluster {unit.cluster} is no longer in the fleet, and what is there stays there",
        (),
        _digest(unit, ()),
    )
    return None if held.acknowledge in evidence.acknowledged else held


def _rule(unit: Unit, feed: RenderedFeed | None, evidence: Evidence) -> tuple[str, str] | None:
    if not evidence.cluster_known:
        return "vanished-cluster", f"cluster {unit.cluster} is no longer in the fleet"
    if feed is not None and not feed.objects:
        return "empty-feed", f"the feed of {unit.subscription} is empty"
    if not evidence.clean:
        return "problems", "the repo has errors, so that what is missing may be broken"
    if feed is None and evidence.subscription_known and not evidence.placed:
        return "unplaced", f"{unit.subscription} goes to no cluster any more"
    return None


def _digest(unit: Unit, keys: tuple[ObjectKey, ...]) -> Digest:
    return digest_of([unit, keys])
