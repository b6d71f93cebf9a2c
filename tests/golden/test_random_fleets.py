"""A thousand random fleets: what scheduling promises whatever an author writes and whatever the clusters look like.

Replicas are conserved, limits hold, the order of inputs does not matter, and a schedule that is fed its own result
changes nothing. Clusters have one node each here, so that room is a plain sum; several nodes have a test of their own.
"""

import random

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.model.clusters import ClusterFacts, NodeFact, TaintFact
from reconciler.model.placement import Schedule
from reconciler.scheduling.nodes import nodes_of, room
from reconciler.scheduling.replicas import Feeds
from reconciler.scheduling.schedule import schedule
from tests.unit.scheduling.fleets import dynamic, fed_back, previous, scheduled, web
from tests.unit.snapshots import config_map, everywhere, labelled, snapshot, subscription

REGIONS = st.sampled_from(["eu", "us", "ap"])
ZONES = st.sampled_from(["a", "b"])
TAINTS = st.sampled_from(
    [
        *[()] * 4,
        (("PreferNoSchedule", "old"),),
        (("PreferNoSchedule", "old"), ("PreferNoSchedule", "slow")),
        (("NoSchedule", "down"),),
    ]
)
FEEDS = [web(0, "web"), web(0, "api", "2"), web(0, "job", "500m")]


@st.composite
def clusters(draw: st.DrawFn, most_nodes: int = 1) -> list[ClusterFacts]:
    """Up to eight clusters; some are full, over-committed, tainted or unknown."""
    return [_cluster(draw, f"c{number}", most_nodes) for number in range(draw(st.integers(1, 8)))]


def _cluster(draw: st.DrawFn, name: str, most_nodes: int) -> ClusterFacts:
    nodes = tuple(
        NodeFact(
            count=draw(st.integers(1, most_nodes)),
            free=(("cpu", draw(st.integers(-1, 24)) * 500), ("pods", draw(st.integers(0, 20)))),
        )
        for _ in range(draw(st.integers(1, most_nodes)))
    )
    labels = {"region": draw(REGIONS), "zone": draw(ZONES)}
    if draw(st.integers(0, 7)) == 5:
        del labels["zone"]
    running = draw(st.dictionaries(st.sampled_from([_key(feed) for feed in FEEDS]), st.integers(1, 4), max_size=2))
    number = int(name[1:])
    return ClusterFacts(
        id=f"00000000-0000-4000-8000-{number:012d}",
        namespace=f"fleet-{name}",
        name=name,
        labels=labels,
        taints=tuple(TaintFact(key, effect) for effect, key in draw(TAINTS)),
        nodes=None if draw(st.integers(0, 15)) == 11 else nodes,
        running=running,
    )


def _key(feed: dict) -> str:
    return f"apps/v1/Deployment/default/{feed['metadata']['name']}"


@st.composite
def rules(draw: st.DrawFn) -> dict:
    """`dynamicDividing`, anything an author may write."""
    made: dict = {"strategy": draw(st.sampled_from(["Spread", "Binpack"]))}
    if draw(st.booleans()):
        made["maxClusters"] = draw(st.integers(1, 5))
    if draw(st.booleans()):
        made["minClusters"] = draw(st.integers(0, made.get("maxClusters", 5)))
    if draw(st.booleans()):
        made["preferredClusters"] = [
            {
                "weight": weight,
                "preference": {"matchExpressions": [{"key": "region", "operator": "In", "values": [at]}]},
            }
            for weight, at in draw(st.lists(st.tuples(st.integers(1, 9), REGIONS), min_size=1, max_size=2))
        ]
    keys = draw(st.lists(st.sampled_from(["region", "zone"]), max_size=2, unique=True))
    if keys:
        made["topologySpreadConstraints"] = [
            {
                "topologyKey": key,
                "maxSkew": draw(st.integers(1, 3)),
                "whenUnsatisfiable": draw(st.sampled_from(["DoNotSchedule", "ScheduleAnyway"])),
            }
            for key in keys
        ]
    return made


@st.composite
def repos(draw: st.DrawFn) -> list[dict]:
    """Workloads and one to three Subscriptions, each with a workload of its own."""
    objects = []
    for number, feed in enumerate(FEEDS[: draw(st.integers(1, 3))]):
        name = feed["metadata"]["name"]
        sized = web(
            draw(st.integers(0, 9) | st.integers(10, 60)),
            name,
            feed["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["cpu"],
        )
        extra = {
            "priority": draw(st.sampled_from([0, 1, 2, -1])),
            "preemptionPolicy": draw(st.sampled_from(["PreemptLowerPriority", "PreemptNever"])),
        }
        subscribers = draw(
            st.sampled_from([[everywhere(1)]] * 3 + [[labelled(2, region="eu"), labelled(1, region="us")]])
        )
        config = config_map(name)
        kind = draw(st.sampled_from(["Dynamic", "Dynamic", "Dynamic", "Static", "Replication"]))
        if kind == "Dynamic":
            made = dynamic(f"s{number}", sized, config, subscribers=subscribers, spec=extra, **draw(rules()))
        else:
            strategy = {"schedulingStrategy": "Dividing"} if kind == "Static" else {}
            made = subscription(f"s{number}", subscribers, sized, config, **strategy, **extra)
        objects += [sized, config, made]
    return objects


def rows(draw: st.DrawFn, fleet: list[ClusterFacts]) -> dict:
    names = [c.name for c in fleet] + ["lost"]
    return {
        f"s{number}": {
            name: {_key(feed): count}
            for name, count in draw(st.dictionaries(st.sampled_from(names), st.integers(0, 14), max_size=5)).items()
        }
        for number, feed in enumerate(FEEDS)
    }


@st.composite
def histories(draw: st.DrawFn, fleet: list[ClusterFacts]) -> dict:
    """Where everything was, a lost cluster included."""
    return rows(draw, fleet)


LOTS = settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@LOTS
@given(st.data())
def test_replicas_are_conserved_limits_hold_and_the_order_of_inputs_does_not_matter(data: st.DataObject) -> None:
    fleet, objects = data.draw(clusters()), data.draw(repos())
    before = data.draw(histories(fleet))
    answer = scheduled(objects, fleet, before)
    _conserved(objects, answer)
    _limited(objects, answer)
    _skewed(objects, fleet, before, answer)
    order = data.draw(st.randoms(use_true_random=False))
    assert _shuffled(objects, fleet, before, order) == answer


def _shuffled(objects: list[dict], fleet: list[ClusterFacts], before: dict, order: random.Random) -> Schedule:
    mixed = list(objects)
    order.shuffle(mixed)
    there = list(fleet)
    order.shuffle(there)
    status = previous(before, fleet)
    units = list(status.units.items())
    order.shuffle(units)
    snap = snapshot(*mixed)
    return schedule(snap, {c.id: c for c in there}, msgspec.structs.replace(status, units=dict(units)))


def _conserved(objects: list[dict], answer: Schedule) -> None:
    """Placed and missing are what is wanted, feed by feed."""
    feeds = Feeds(snapshot(*objects))
    for name, one in answer.subscriptions.items():
        short = {shortfall.feed: shortfall.missing for shortfall in one.shortfalls}
        dividing = any(placement.replicas for placement in one.placements)
        for feed in feeds.of(name) if dividing and not one.kept else ():
            placed = sum(placement.replicas[feed.feed] for placement in one.placements)
            assert placed + short.get(feed.feed, 0) == feed.wanted
            assert short.get(feed.feed, 1) > 0
            assert all(placement.replicas[feed.feed] >= 0 for placement in one.placements)


def _limited(objects: list[dict], answer: Schedule) -> None:
    """Clusters with replicas are at most `maxClusters`; all that is not placed is refused."""
    for name, one in answer.subscriptions.items():
        limits = _rules(objects, name)
        if limits is not None and not one.kept:
            assert len(one.placements) <= limits.get("maxClusters", len(one.placements))
        refused = {refusal.cluster for refusal in one.refusals}
        placed = {placement.cluster for placement in one.placements}
        assert not refused & placed
        assert list(one.refusals) == sorted(one.refusals)
        assert list(one.moves) == sorted(one.moves)


def _rules(objects: list[dict], name: str) -> dict | None:
    found = next(o for o in objects if o["kind"] == "Subscription" and f"default/{o['metadata']['name']}" == name)
    return found["spec"].get("dividingScheduling", {}).get("dynamicDividing")


def _skewed(objects: list[dict], fleet: list[ClusterFacts], before: dict, answer: Schedule) -> None:
    """A constraint that must hold holds wherever replicas were added, on a first division.

    Not asked under `maxClusters`: domains are then those of the clusters that were open when replicas were added, and
    room that opens later in the run brings another one in.
    """
    for name, one in answer.subscriptions.items():
        limits = _rules(objects, name)
        if limits is None or one.kept or before.get(name.partition("/")[2]):
            continue
        if limits.get("minClusters") or limits.get("maxClusters"):
            continue
        for constraint in limits.get("topologySpreadConstraints", ()):
            if constraint["whenUnsatisfiable"] == "DoNotSchedule" and one.placements and one.placements[0].replicas:
                counts: dict[str, int] = {}
                for placement in one.placements:
                    cluster = next(c for c in fleet if c.id == placement.cluster)
                    if sum(placement.replicas.values()):
                        at = cluster.labels[constraint["topologyKey"]]
                        counts[at] = counts.get(at, 0) + sum(placement.replicas.values())
                assert max(counts.values(), default=0) - min(counts.values(), default=0) <= constraint["maxSkew"]


@LOTS
@given(st.data())
def test_schedule_that_is_fed_its_own_result_changes_nothing(data: st.DataObject) -> None:
    fleet, objects = data.draw(clusters()), data.draw(repos())
    status = previous(data.draw(histories(fleet)), fleet)
    answer = scheduled(objects, fleet, status)
    again = scheduled(objects, fleet, fed_back(answer, status))
    for name, one in again.subscriptions.items():
        assert one.moves == ()
        assert one.placements == answer.subscriptions[name].placements
        assert one.shortfalls == answer.subscriptions[name].shortfalls
    assert again.subscriptions.keys() == answer.subscriptions.keys()


@settings(LOTS, max_examples=200)
@given(st.data())
def test_no_cluster_gets_more_than_fits_beside_what_runs(data: st.DataObject) -> None:
    fleet, wanted = data.draw(clusters(most_nodes=3)), data.draw(st.integers(0, 60))
    app = web(wanted)
    answer = scheduled([app, dynamic("app", app, **data.draw(rules()))], fleet)
    one = answer.subscriptions.get("default/app")
    (feed,) = Feeds(snapshot(app, dynamic("app", app))).of("default/app")
    for placement in one.placements if one and not one.kept else ():
        cluster = next(c for c in fleet if c.id == placement.cluster)
        count = placement.replicas[feed.feed]
        own = cluster.running.get(feed.feed, 0) if cluster.nodes is not None else 0
        nodes = nodes_of(cluster)
        assert nodes is not None or not count
        assert not count or count <= room(nodes or (), feed.need) + own


@settings(LOTS, max_examples=200)
@given(st.data())
def test_at_least_the_minimum_of_clusters_gets_replicas_where_so_many_have_room(data: st.DataObject) -> None:
    fleet, wanted = data.draw(clusters()), data.draw(st.integers(0, 40))
    least, strategy = data.draw(st.integers(0, 6)), data.draw(st.sampled_from(["Spread", "Binpack"]))
    fleet = [msgspec.structs.replace(c, running={}, taints=()) for c in fleet]
    app = web(wanted)
    one = scheduled([app, dynamic("app", app, strategy=strategy, minClusters=least)], fleet).subscriptions.get(
        "default/app"
    )
    if one is None:
        return
    (feed,) = Feeds(snapshot(app, dynamic("app", app))).of("default/app")
    able = [c for c in fleet if c.nodes is not None and room(c.nodes, feed.need)]
    chosen = sum(bool(placement.replicas[feed.feed]) for placement in one.placements)
    assert chosen >= min(least, wanted, len(able))


@settings(LOTS, max_examples=300)
@given(st.data())
def test_together_they_never_take_more_than_there_is_whoever_gives_way_to_whom(data: st.DataObject) -> None:
    """Full clusters, where everything that was placed runs, and some want more: priorities decide."""
    draw = data.draw
    held = {
        f"s{number}": {f"c{at}": {_key(feed): draw(st.integers(0, 6))} for at in range(3)}
        for number, feed in enumerate(FEEDS)
    }
    spare = [draw(st.integers(0, 6)) * 500 for _ in range(3)]
    fleet = [
        ClusterFacts(
            id=f"00000000-0000-4000-8000-{at:012d}",
            namespace=f"fleet-c{at}",
            name=f"c{at}",
            labels={"region": draw(REGIONS), "zone": draw(ZONES)},
            nodes=(NodeFact(free=(("cpu", spare[at]), ("pods", 100))),),
            running={feed: n for rows in held.values() for feed, n in rows[f"c{at}"].items() if n},
        )
        for at in range(3)
    ]
    objects = []
    for number, feed in enumerate(FEEDS):
        requests = feed["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]
        sized = web(draw(st.integers(0, 25)), feed["metadata"]["name"], requests["cpu"])
        spec = {"priority": draw(st.sampled_from([0, 5, 9]))}
        objects += [
            sized,
            dynamic(f"s{number}", sized, spec=spec, strategy=draw(st.sampled_from(["Spread", "Binpack"]))),
        ]
    status = previous(held, fleet)
    answer = scheduled(objects, fleet, status)
    _conserved(objects, answer)
    cpu = {_key(feed): amount for feed, amount in zip(FEEDS, (1000, 2000, 500), strict=True)}
    for at, cluster in enumerate(fleet):
        placed = [p for one in answer.subscriptions.values() for p in one.placements if p.cluster == cluster.id]
        more = sum(cpu[feed] * n for p in placed for feed, n in p.replicas.items())
        assert more - sum(cpu[feed] * n for feed, n in cluster.running.items()) <= spare[at]
    again = scheduled(objects, fleet, fed_back(answer, status))
    assert {name: one.placements for name, one in again.subscriptions.items()} == {
        name: one.placements for name, one in answer.subscriptions.items()
    }
