"""Problems that only scheduling can see. Their meaning and what to do is in `source/rulebook/scheduling.py`."""

from collections.abc import Sequence

from reconciler.model.authored import Subscription
from reconciler.model.placement import WHEN_NO_CLUSTER_FITS, Shortfall
from reconciler.model.snapshot import Problem, Severity, Sourced


def weightless(name: str, sourced: Sourced[Subscription]) -> Problem:
    """Static dividing without any weight."""
    return Problem(
        sourced.place,
        sourced.place.within("spec", "subscribers"),
        "no-weight",
        "no chosen cluster has a weight, so replicas cannot be divided; Clusternet would give all of them to every one",
        hint="Set `weight` on a subscriber, or `schedulingStrategy: Replication` for all replicas on every cluster.",
        concerns=(name,),
    )


def no_cluster_fits(sourced: Sourced[Subscription], kept: int) -> Problem:
    """A Subscription without candidates; on so many clusters it stays where it was."""
    stays = f"it stays on the {kept} cluster{'s' * (kept > 1)} where it was" if kept else "it goes nowhere"
    hint = f"Correct the selectors or tolerations; `{WHEN_NO_CLUSTER_FITS}: undeploy` says that it shall go nowhere."
    field = sourced.place.within("spec", "subscribers")
    message = f"no cluster fits this Subscription, so {stays}"
    return Problem(sourced.place, field, "no-cluster-fits", message, hint, Severity.WARNING)


def short(sourced: Sourced[Subscription], shortfalls: Sequence[Shortfall]) -> Problem:
    """Replicas that are placed nowhere."""
    told = ", ".join(f"{one.missing} of {one.wanted} replicas of {one.feed}" for one in shortfalls)
    hint = "Add room or clusters, ask for less, or loosen limits and constraints; see `reconciler schedule --explain`."
    return Problem(sourced.place, _field(sourced), "capacity-short", f"{told} fit nowhere", hint, Severity.WARNING)


def unknown(sourced: Sourced[Subscription], names: Sequence[str]) -> Problem:
    """Clusters of which no capacity is known, beside others."""
    told = f"{', '.join(names[:3])}{f' and {len(names) - 3} others' if len(names) > 3 else ''}"
    message = f"nothing is known of the capacity of {told}, so nothing new goes there"
    rule = "capacity-partly-unknown"
    return Problem(sourced.place, _field(sourced), rule, message, _TELL, Severity.WARNING)


def all_unknown(name: str, sourced: Sourced[Subscription]) -> Problem:
    """No capacity is known at all."""
    message = "nothing is known of the capacity of any cluster that it may go to, so replicas cannot be divided by it"
    return Problem(sourced.place, _field(sourced), "capacity-unknown", message, _TELL, concerns=(name,))


_TELL = "Write `status.allocatable` into the ManagedCluster, let `cluster export` do it, or use type Static."


def _field(sourced: Sourced[Subscription]) -> tuple[str | int, ...]:
    return sourced.place.within("spec", "dividingScheduling")
