"""`python -m tests.unit.render.story`: render a fleet with charts and overrides; prints a digest of it.

A program, so that it can be run under several hash seeds; the argument turns the order in which objects are given.
"""

import random
import sys

import msgspec

from reconciler.model.inflation import Role
from reconciler.model.objects import digest_of
from tests.unit.render.test_charts import bare, helm_chart, made, rendered, values
from tests.unit.snapshots import (
    cluster,
    config_map,
    deployment,
    everywhere,
    globalization,
    labelled,
    localization,
    override,
    service,
    service_export,
    subscription,
)


def fleet():
    """Objects of a fleet where everything that can differ between clusters does."""
    charts = [helm_chart(name, targetNamespace=f"space-{name[-1]}") for name in ("chart-a", "chart-b", "chart-c")]
    plain = [deployment(), service(), config_map("settings", color="red")]
    clusters = [cluster(f"c{n}", n, {"env": ("prod", "dev")[n % 2], "ring": str(n % 3)}) for n in range(12)]
    overrides = [
        globalization(f"g{n}", charts[n], values(f"ring: {n}"), affinity={"matchLabels": {"ring": str(n)}})
        for n in range(3)
    ]
    overrides += [
        localization(f"l{n}", f"fleet-c{n}", plain[n % 3], override("metadata: {labels: {a: b}}")) for n in range(9)
    ]
    subscriptions = [
        subscription("one", [everywhere(1)], plain[0], plain[1], charts[0], schedulingStrategy="Dividing"),
        subscription("two", [labelled(env="prod")], plain[2], charts[1]),
        subscription("three", [labelled(ring="1")], charts[1], charts[2]),
    ]
    return [*clusters, *plain, service_export(), *charts, *subscriptions, *overrides]


def answer(question):
    """What helm says: objects that tell what was asked."""
    told = {"release": question.release, "values": question.values.decode()}
    pages = made(*[bare(config_map(f"{question.release}-{n}", **told)) for n in range(5)])
    hooks = made(bare(config_map("hook")), role=Role.HOOK)
    return msgspec.structs.replace(pages, objects=pages.objects + hooks.objects)


def main() -> None:
    """Print the digest of units and problems."""
    objects = fleet()
    random.Random(int(sys.argv[1])).shuffle(objects)
    feeds = rendered(*objects, answer=answer)
    units = [
        [u.subscription, u.cluster, f.digest, f.reads, [o.body for o in f.objects]] for u, f in feeds.units.items()
    ]
    assert len(units) >= 12
    assert feeds.broken
    print(digest_of([units, feeds.problems, sorted(feeds.broken)]))


if __name__ == "__main__":
    main()
