"""A delivery in a process of its own, to be killed: `python -m tests.wire.apply.victim KUBECONFIG CONTEXT NAMESPACE N`.

Delivers a feed that depends on N only; N below zero prunes everything.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from reconciler.adapters.kube.kubeconfig import resolve
from reconciler.apply.deliver import nothing
from reconciler.apply.options import Options
from reconciler.model.applysettings import DeleteBudget, Prune
from reconciler.model.clusters import ClusterFacts
from reconciler.model.feed import Unit
from reconciler.model.plan import Evidence, Work
from reconciler.model.settings import Access
from reconciler.model.status import Delivered
from tests.wire.apply.place import CLEAN, COMMIT, Body, acknowledging, config, deliver, feed_of, space

CLUSTER = ClusterFacts(id="7f3e9f5c-0000-4000-8000-00000000000a", namespace="clusternet-x", name="x")
UNIT = Unit("default/web", CLUSTER.id)


def bodies(namespace: str, number: int) -> list[Body]:
    """Twenty objects that stay and change with the number, and a few that come and go."""
    staying = [config(f"stays-{n}", namespace, str(number)) for n in range(20)]
    passing = [config(f"passes-{(number + n) % 7}", namespace) for n in range(4)]
    return [space(f"{namespace}-{number % 2}"), *staying, *passing]


def run(kubeconfig: str, context: str, namespace: str, number: int) -> None:
    """One delivery; the inventory lives in the namespace."""
    connection = resolve(Access(context=context), {"KUBECONFIG": kubeconfig}, Path.home())
    feed = feed_of(UNIT, bodies(namespace, number)) if number >= 0 else None
    lavish = Prune(per_cluster=DeleteBudget(objects=10**6, percent=100))
    options = Options(fleet=namespace, commit=COMMIT, namespace=namespace, wait=number < 0, prune=lavish)

    def once(evidence: Evidence, *, dry_run: bool) -> Delivered:
        how = msgspec.structs.replace(options, dry_run=dry_run)
        work = Work(UNIT, feed, evidence)
        (done,) = asyncio.run(deliver(connection, CLUSTER, [work], (how, lambda _: None, nothing)))
        return done

    done = once(acknowledging(once(CLEAN, dry_run=True)), dry_run=False)
    print(done.state)


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
