"""When deletes are held back: whatever may have been lost rather than removed stays until somebody acknowledges.

What a commit that reads clean removed (a file, a feed, a Subscription, a cluster leaving a selector) goes without a
question. Held are all deletes of a repo with errors, of a feed that became empty, of a Subscription that goes nowhere
any more, and of a cluster that vanished from the fleet; and, whoever removed them, objects that take data or other
objects with them. The digest of a guard acknowledges exactly the objects it names: one more, and it is another digest.
"""

from collections.abc import Iterable

from reconciler.model.feed import RenderedFeed, Unit
from reconciler.model.objects import Digest, ObjectKey, digest_of
from reconciler.model.plan import Evidence, Guard

_PRECIOUS = {
    ("", "Namespace"),
    ("", "PersistentVolume"),
    ("", "PersistentVolumeClaim"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
}


def guard(unit: Unit, feed: RenderedFeed | None, doomed: Iterable[ObjectKey], evidence: Evidence) -> Guard | None:
    """What holds all these deletes back, acknowledged or not; None when nothing does."""
    keys = tuple(sorted(doomed))
    found = _rule(unit, feed, evidence) if keys else None
    if found is None:
        return None
    rule, why = found
    return Guard(rule, f"{counted(len(keys))} kept: {why}", keys, digest(unit, keys))


def precious(unit: Unit, doomed: Iterable[ObjectKey]) -> Guard | None:
    """What holds back those of these deletes that take data or other objects with them; None when none does."""
    keys = tuple(sorted(key for key in doomed if (key.group, key.kind) in _PRECIOUS))
    if not keys:
        return None
    *most, last = _plurals(keys)
    kinds = f"{', '.join(most)} and {last}" if most else last
    why = f"{kinds} take what is in them along, and are deleted only when somebody says so"
    return Guard("precious", f"{counted(len(keys))} kept: {why}", keys, digest(unit, keys))


def unreachable_for_good(unit: Unit, evidence: Evidence) -> Guard | None:
    """Holds a unit whose cluster vanished, so that not even its inventory can be read; None once acknowledged."""
    held = Guard(
        "vanished-cluster",
        f"cluster {unit.cluster} is no longer in the fleet, so that nobody reaches what {unit.subscription} has there",
        (),
        digest(unit, ()),
    )
    return None if held.acknowledge in evidence.acknowledged else held


def digest(unit: Unit, keys: tuple[ObjectKey, ...]) -> Digest:
    """What acknowledges the deletes of exactly these objects of a unit."""
    return digest_of([unit, keys])


def counted(objects: int) -> str:
    """`1 object`, `2 objects`."""
    return f"{objects} {'object' if objects == 1 else 'objects'}"


def _rule(unit: Unit, feed: RenderedFeed | None, evidence: Evidence) -> tuple[str, str] | None:
    if not evidence.cluster_known:
        return "vanished-cluster", f"cluster {unit.cluster} is no longer in the fleet"
    if feed is not None and not feed.objects:
        return "empty-feed", f"the feed of {unit.subscription} is empty"
    if evidence.empty:
        return "empty-repo", "the repo holds no Subscription at all"
    if not evidence.clean:
        return "problems", "the repo has errors, so that what is missing may be broken"
    if feed is None and evidence.subscription_known and not evidence.placed:
        return "unplaced", f"{unit.subscription} goes to no cluster any more"
    return None


def _plurals(keys: tuple[ObjectKey, ...]) -> list[str]:
    return sorted({f"{key.kind}s" for key in keys})
