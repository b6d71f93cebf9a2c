"""Whatever happened before: after a sequence of commits a cluster holds what the last commit alone would have made.

Several sequences run side by side, each in namespaces of its own. RECONCILER_SEQUENCES sets how many; what is said of
100 sequences of 5 commits with up to 40 objects was tried with 100.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from reconciler.adapters.kube.client import Client, connect
from reconciler.apply.deliver import deliver_over
from reconciler.model.feed import Unit
from reconciler.model.objects import CommitId
from reconciler.model.plan import Work
from reconciler.model.status import State
from tests.wire.apply.place import CLEAN, Body, Place, feed_of

SEQUENCES = int(os.environ.get("RECONCILER_SEQUENCES", "10"))
SEED = 20261123
AT_ONCE = 8
COMMITS = 5
SET_BY_SERVERS = (
    ("metadata", "uid"),
    ("metadata", "resourceVersion"),
    ("metadata", "creationTimestamp"),
    ("metadata", "generation"),
    ("metadata", "managedFields", "*", "time"),
    ("metadata", "annotations", "deployment.kubernetes.io/revision"),
    ("spec", "clusterIP"),
    ("spec", "clusterIPs"),
    ("status",),
)
"""What may differ: identity, counters and moments that the server gives, and what controllers report."""
CONTROLLERS = "kube-controller-manager"
"""Who writes into Deployments when it gets to it; what it owns there is not compared."""
COLLECTIONS = {
    "ConfigMap": "api/v1|configmaps",
    "Secret": "api/v1|secrets",
    "Service": "api/v1|services",
    "ServiceAccount": "api/v1|serviceaccounts",
    "Deployment": "apis/apps/v1|deployments",
    "Role": "apis/rbac.authorization.k8s.io/v1|roles",
}


class Thing(msgspec.Struct, frozen=True, order=True):
    """One object of a commit; `space` 0 or 1 says in which namespace of its sequence."""

    name: str
    kind: str
    space: int
    value: int
    labels: tuple[str, ...]


def body(thing: Thing, spaces: Sequence[str]) -> Body:
    metadata: dict[str, Any] = {"name": thing.name, "namespace": spaces[thing.space]}
    if thing.labels:
        metadata["labels"] = {f"label-{name}": str(thing.value) for name in thing.labels}
    number, labels = str(thing.value), {"app": thing.name}
    keys = {f"key-{n}": number for n in range(thing.value % 3 + 1)}
    container = {
        "name": "main",
        "image": f"nginx:1.{thing.value}",
        "env": [{"name": k, "value": v} for k, v in keys.items()],
    }
    rules = [{"apiGroups": [""], "resources": [f"r{n}" for n in range(thing.value + 1)], "verbs": ["get"]}]
    contents: dict[str, dict[str, Any]] = {
        "ConfigMap": {"apiVersion": "v1", "data": keys},
        "Secret": {"apiVersion": "v1", "stringData": keys},
        "Service": {
            "apiVersion": "v1",
            "spec": {"selector": labels, "ports": [{"name": f"p{n}", "port": 80 + n} for n in range(len(keys))]},
        },
        "ServiceAccount": {"apiVersion": "v1", "automountServiceAccountToken": thing.value % 2 == 0},
        "Deployment": {
            "apiVersion": "apps/v1",
            "spec": {
                "replicas": thing.value,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        },
        "Role": {"apiVersion": "rbac.authorization.k8s.io/v1", "rules": rules},
    }
    return {"kind": thing.kind, "metadata": metadata, **contents[thing.kind]}


things = st.builds(
    Thing,
    name=st.integers(0, 27).map("object-{:02}".format),
    kind=st.sampled_from(sorted(COLLECTIONS)),
    space=st.integers(0, 1),
    value=st.integers(0, 4),
    labels=st.sampled_from([(), ("a",), ("b",), ("a", "b")]),
)
commits = st.lists(things, min_size=1, max_size=40, unique_by=lambda thing: (thing.kind, thing.space, thing.name))


@st.composite
def sequences(draw: st.DrawFn) -> list[list[Thing]]:
    """Commits that mostly keep what was there: removed, changed, renamed, moved, of another kind, and new."""
    current = draw(commits)
    found = [current]
    for _ in range(COMMITS - 1):
        fates = draw(st.lists(st.integers(0, 5), min_size=len(current), max_size=len(current)))
        fresh = draw(st.lists(things, max_size=6))
        following = [changed(thing, fate) for thing, fate in zip(current, fates, strict=True) if fate]
        by_key = {(thing.kind, thing.space, thing.name): thing for thing in (*fresh, *following)}
        current = sorted(by_key.values())[:40] or [Thing("object-00", "ConfigMap", 0, 0, ())]
        found.append(current)
    return found


def changed(thing: Thing, fate: int) -> Thing:
    kinds = sorted(COLLECTIONS)
    changes: dict[int, dict[str, Any]] = {
        1: {},
        2: {"value": (thing.value + 1) % 5, "labels": thing.labels[1:]},
        3: {"name": f"{thing.name}-moved"[-40:]},
        4: {"space": 1 - thing.space},
        5: {"kind": kinds[(kinds.index(thing.kind) + 1) % len(kinds)]},
    }
    return msgspec.structs.replace(thing, **changes[fate])


def generated() -> list[list[list[Thing]]]:
    """As many sequences as are asked for, always the same."""
    found: list[list[list[Thing]]] = []

    @seed(SEED)
    @settings(
        max_examples=SEQUENCES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(sequences())
    def collect(sequence: list[list[Thing]]) -> None:
        found.append(sequence)

    collect()
    return found


def test_sequence_of_commits_leaves_what_its_last_one_makes_alone(place: Place) -> None:
    asyncio.run(_compare_all(place, generated()))


async def _compare_all(place: Place, all_of_them: Sequence[Sequence[Sequence[Thing]]]) -> None:
    """All of them are tried, so that the message tells every sequence that differs."""
    room = asyncio.Semaphore(AT_ONCE)
    different: dict[int, dict[str, Any]] = {}
    async with connect(place.connection) as client:

        async def compare(number: int, sequence: Sequence[Sequence[Thing]]) -> None:
            async with room:
                found = await _different(client, place, number, sequence)
            if found:
                different[number] = found

        async with asyncio.TaskGroup() as group:
            for number, sequence in enumerate(all_of_them):
                group.create_task(compare(number, sequence))
    print(f"{len(all_of_them) - len(different)} of {len(all_of_them)} sequences are equal (seed {SEED})")
    assert not different


async def _different(
    client: Client, place: Place, number: int, sequence: Sequence[Sequence[Thing]]
) -> dict[str, tuple[Any, Any]]:
    """One sequence step by step, and its last commit alone, in four namespaces that are deleted at the end."""
    spaces = [f"{place.namespace}-{number}-{n}" for n in range(4)]
    for name in spaces:
        await client.create("/api/v1/namespaces", {"kind": "Namespace", "metadata": {"name": name}}, "test")
    try:
        for step, commit in enumerate(sequence):
            await _deliver(client, place, f"default/steps-{number}", commit, spaces[:2], step)
        await _deliver(client, place, f"default/whole-{number}", sequence[-1], spaces[2:], 0)
        names = dict(zip(spaces[2:], spaces[:2], strict=True))
        stepped = await _live(client, spaces[:2], {})
        whole = await _live(client, spaces[2:], {**names, f"whole-{number}": f"steps-{number}"})
        different = {key: (stepped.get(key), whole.get(key)) for key in {**stepped, **whole}}
        return {key: pair for key, pair in different.items() if pair[0] != pair[1]}
    finally:
        for name in spaces:
            await client.delete(f"/api/v1/namespaces/{name}")


async def _deliver(
    client: Client, place: Place, subscription: str, commit: Sequence[Thing], spaces: Sequence[str], step: int
) -> None:
    unit = Unit(subscription, place.facts.id)
    work = Work(unit, feed_of(unit, [body(thing, spaces) for thing in commit]), CLEAN)
    options = place.options(wait=False, commit=CommitId(f"{step:040}"))
    # The budget of deletes is of no interest here.
    lavish = msgspec.structs.replace(options.prune.per_cluster, objects=10**6)
    options = msgspec.structs.replace(options, prune=msgspec.structs.replace(options.prune, per_cluster=lavish))
    (done,) = await deliver_over(client, place.facts, [work], options, lambda _: None)
    assert done.state in (State.READY, State.DELIVERED), done


async def _live(client: Client, spaces: Sequence[str], names: Mapping[str, str]) -> dict[str, Any]:
    """Every object that is ours in two namespaces, without what servers set and with the same names."""
    found = {}
    for kind, where in COLLECTIONS.items():
        root, plural = where.split("|")
        for number, space in enumerate(spaces):
            for item in (await client.list(f"/{root}/namespaces/{space}/{plural}")).items:
                text = msgspec.json.encode(item).decode()
                if "owned-by-description" not in text:
                    continue
                for old, new in names.items():
                    text = text.replace(old, new)
                bare = msgspec.json.decode(text)
                writers = bare["metadata"]["managedFields"]
                bare["metadata"]["managedFields"] = [one for one in writers if one["manager"] != CONTROLLERS]
                for path in SET_BY_SERVERS:
                    _without(bare, path)
                found[f"{kind} {number} {item['metadata']['name']}"] = bare
    return found


def _without(value: Any, path: Sequence[str]) -> None:
    first, *rest = path
    if first == "*":
        for one in value:
            _without(one, rest)
    elif isinstance(value, dict) and first in value:
        if rest:
            _without(value[first], rest)
        else:
            del value[first]


@pytest.mark.parametrize("fate", range(1, 6))
def test_fates_of_the_generator_are_different_ones(fate: int) -> None:
    thing = Thing("object-01", "ConfigMap", 0, 1, ("a",))
    assert (changed(thing, fate) == thing) == (fate == 1)
