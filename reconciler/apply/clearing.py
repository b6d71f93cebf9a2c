"""Everything of a fleet off one cluster again, before the cluster leaves: foreseen, agreed to, then deleted.

The path is that of a run whose every Subscription is gone: annotations that keep objects are honoured, Namespaces with
objects of others stay, and a Subscription that orphans leaves its objects. Agreeing acknowledges the whole list.
"""

from collections.abc import Callable, Sequence

from reconciler.adapters.kube.client import Client
from reconciler.apply import inventory as inventories
from reconciler.apply.deliver import carry_out
from reconciler.apply.foresee import foresee
from reconciler.apply.options import Event, Options
from reconciler.model.applying import Wishes
from reconciler.model.clusters import ClusterFacts
from reconciler.model.dependencies import After
from reconciler.model.errors import Refused
from reconciler.model.inventory import Inventory
from reconciler.model.plan import Evidence, Plan, Work
from reconciler.model.status import Delivered
from reconciler.planning import fold

Agree = Callable[[ClusterFacts, Sequence[Plan]], None]
"""Shown what will be done; raises to stop it."""


async def clear(
    child: Client, cluster: ClusterFacts, options: Options, after: After, agree: Agree
) -> tuple[Delivered, ...]:
    """Delete what the inventories of a fleet hold. Refused when something that shall go is still there afterwards."""
    held = await inventories.read_all(child, options.fleet, options.namespace)
    works = [_work(inventory, after) for inventory in held.values()]
    decided = await foresee(child, works, options, home=cluster.namespace)
    for one in decided.stopped:
        raise Refused("cannot-ask", f"{one.unit.subscription} on {cluster.name} cannot be planned: {one.message}")
    agree(cluster, [one.plan for one in decided.planned])
    done = await carry_out(child, cluster, decided, options, _unheard)
    left = [f"{one.unit.subscription}: {_why(one)}" for one in done if not fold.is_gone(one, wanted=False)]
    if left:
        what = f"cluster {cluster.name} keeps its registration, because something is left: {'; '.join(left)}"
        raise Refused("still-has-objects", what, "see to what is named and run it again, or leave it with --orphan")
    return done


def _work(inventory: Inventory, after: After) -> Work:
    evidence = Evidence(
        clean=True, subscription_known=True, cluster_known=True, placed=True, orphan=inventory.orphan, guarded=False
    )
    wishes = Wishes(after=after.get(inventory.unit.subscription, ()), orphan=inventory.orphan)
    return Work(inventory.unit, None, evidence, wishes)


def _why(done: Delivered) -> str:
    told = next((f"{outcome.key} {outcome.message}" for outcome in done.outcomes if outcome.reason), "")
    return done.message or told or f"it is {done.state}"


def _unheard(_: Event) -> None:
    """Nobody follows single objects."""
