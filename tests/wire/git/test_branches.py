"""Delivery into branches: the files of every cluster, commits only for changes, and no prune by accident."""

import asyncio
import datetime
from collections.abc import Iterable

import msgspec
import pytest
import yaml

from reconciler.adapters.git.mirror import Mirror
from reconciler.apply import branches
from reconciler.apply.branchfiles import Options
from reconciler.model.errors import UsageError
from reconciler.model.feed import RenderedFeed, RenderedObject, Unit
from reconciler.model.objects import CommitId, Object, digest_of, key_of
from reconciler.model.plan import Evidence, Work
from reconciler.model.settings import Branches, Delivery, Settings, StatusTo
from reconciler.model.status import Delivered, Result, State
from tests.wire.git.conftest import MakeMirror
from tests.wire.git.repos import Origin, git

SETTINGS = Settings(fleet="web", delivery=Delivery(to="branches"))
CLEAN = Evidence(clean=True, subscription_known=True, cluster_known=True, placed=True)
REMOVED = msgspec.structs.replace(CLEAN, subscription_known=False)
NAMES = {"id-east": "east", "id-west": "west"}
OPTIONS = Options(
    fleet="web",
    commit=CommitId("a" * 40),
    names=NAMES,
    prefix="clusters/",
    now=datetime.datetime(2026, 2, 3, tzinfo=datetime.UTC),
)


def config(name: str, **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "web"}, "data": data}


def work(cluster: str, *objects: Object, subscription: str = "default/web", evidence: Evidence = CLEAN) -> Work:
    unit = Unit(subscription, f"id-{cluster}")
    rendered = tuple(RenderedObject(key_of(o), o["apiVersion"], o, digest_of(o)) for o in objects)
    return Work(unit, RenderedFeed(unit, rendered, digest_of([o.digest for o in rendered])), evidence)


def gone(cluster: str, subscription: str = "default/web", evidence: Evidence = REMOVED) -> Work:
    return Work(Unit(subscription, f"id-{cluster}"), None, evidence)


async def deliver(mirror: Mirror, *works: Work, options: Options = OPTIONS) -> list[Delivered]:
    there = await branches.read_inventories(mirror, SETTINGS, "refs/heads/main")
    return await branches.deliver(mirror, works, there, options)


def results(delivered: Iterable[Delivered]) -> list[list[str]]:
    return [[f"{outcome.key.name}:{outcome.result}" for outcome in row.outcomes] for row in delivered]


def files(origin: Origin, branch: str) -> list[str]:
    return git(origin.path, "ls-tree", "-r", "--name-only", branch).splitlines()


async def test_every_cluster_gets_a_branch_with_a_file_per_object(origin: Origin, mirror_of: MakeMirror) -> None:
    mirror = mirror_of(origin.path)
    done = await deliver(mirror, work("east", config("a", x="yes"), config("b")), work("west", config("a", x="no")))
    assert [row.state for row in done] == [State.DELIVERED] * 2
    assert results(done) == [["a:created", "b:created"], ["a:created"]]
    assert files(origin, "clusters/east") == [
        ".reconciler/default.web.inventory", "default/web/web/config-map_a.yaml", "default/web/web/config-map_b.yaml"
    ]  # fmt: skip
    read = yaml.safe_load(origin.show("clusters/west", "default/web/web/config-map_a.yaml"))
    assert read == config("a", x="no")
    message = git(origin.path, "show", "-s", "--format=%B", "clusters/east")
    assert message == f"Deliver default/web to clusters/east\n\nSource-Commit: {'a' * 40}\nSubscription: default/web"


async def test_what_did_not_change_makes_no_commit(origin: Origin, mirror_of: MakeMirror) -> None:
    mirror = mirror_of(origin.path)
    works = [work("east", config("a", x="1")), work("west", config("a", x="1"))]
    await deliver(mirror, *works)
    assert results(await deliver(mirror, *works)) == [["a:unchanged"], ["a:unchanged"]]
    await deliver(mirror_of(origin.path, "no-cache"), works[0], work("west", config("a", x="2")))
    assert len(origin.log("clusters/east")) == 1
    assert len(origin.log("clusters/west")) == 2
    assert git(origin.path, "diff", "--name-only", "clusters/west~1", "clusters/west").splitlines() == [
        ".reconciler/default.web.inventory", "default/web/web/config-map_a.yaml"
    ]  # fmt: skip


async def test_what_left_the_feed_is_removed_and_files_of_others_stay(origin: Origin, mirror_of: MakeMirror) -> None:
    mirror = mirror_of(origin.path)
    await deliver(mirror, work("east", config("a"), config("b")), work("east", config("c"), subscription="default/api"))
    git(origin.work, "fetch", "--quiet", "origin", "clusters/east:clusters/east")
    git(origin.work, "checkout", "--quiet", "clusters/east")
    origin.commit({"README.md": "by hand"})
    assert results(await deliver(mirror, work("east", config("a")))) == [["a:unchanged", "b:pruned"]]
    assert results(await deliver(mirror, gone("east"))) == [["a:pruned"]]
    assert files(origin, "clusters/east") == [
        ".reconciler/default.api.inventory", "README.md", "default/api/web/config-map_c.yaml"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "evidence",
    [
        msgspec.structs.replace(REMOVED, clean=False),
        msgspec.structs.replace(REMOVED, cluster_known=False),
    ],
    ids=["problems", "vanished cluster"],
)
async def test_a_guard_holds_deletes_back(origin: Origin, mirror_of: MakeMirror, evidence: Evidence) -> None:
    mirror = mirror_of(origin.path)
    await deliver(mirror, work("east", config("a")))
    options = OPTIONS if evidence.cluster_known else msgspec.structs.replace(OPTIONS, names={})
    (held,) = await deliver(mirror, gone("east", evidence=evidence), options=options)
    assert (held.state, results([held])) == (State.HELD, [["a:kept"]])
    assert "default/web/web/config-map_a.yaml" in files(origin, "clusters/east")
    assert held.guard
    yes = msgspec.structs.replace(evidence, acknowledged=frozenset({held.guard.acknowledge}))
    assert results(await deliver(mirror, gone("east", evidence=yes), options=options)) == [["a:pruned"]]
    assert files(origin, "clusters/east") == []


async def test_a_file_that_was_edited_by_hand_is_put_back_when_asked_to_look(
    origin: Origin, mirror_of: MakeMirror
) -> None:
    mirror = mirror_of(origin.path)
    await deliver(mirror, work("east", config("a", x="1"), config("b")))
    git(origin.work, "fetch", "--quiet", "origin", "clusters/east:clusters/east")
    git(origin.work, "checkout", "--quiet", "clusters/east")
    origin.commit({"default/web/web/config-map_a.yaml": "edited", "default/web/web/config-map_b.yaml": None})
    assert results(await deliver(mirror, work("east", config("a", x="1"), config("b")))) == [
        ["a:unchanged", "b:unchanged"]
    ]
    look = msgspec.structs.replace(OPTIONS, verify=True)
    done = await deliver(mirror, work("east", config("a", x="1"), config("b")), options=look)
    assert results(done) == [["a:changed", "b:created"]]
    assert "x:" in origin.show("clusters/east", "default/web/web/config-map_a.yaml")


async def test_a_dry_run_says_what_it_would_do_and_writes_nothing(origin: Origin, mirror_of: MakeMirror) -> None:
    dry = msgspec.structs.replace(OPTIONS, dry_run=True)
    assert results(await deliver(mirror_of(origin.path), work("east", config("a")), options=dry)) == [["a:created"]]
    assert git(origin.path, "for-each-ref") == ""


async def test_one_branch_that_is_refused_leaves_the_others(origin: Origin, mirror_of: MakeMirror) -> None:
    hook = origin.path / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\n[ "$1" != refs/heads/clusters/east ] || { echo no entry; exit 1; }\n')
    hook.chmod(0o755)
    mirror = mirror_of(origin.path)
    east, west = await deliver(mirror, work("east", config("a")), work("west", config("a")))
    assert (east.state, east.feed, west.state) == (State.FAILED, None, State.DELIVERED)
    assert "no entry" in east.outcomes[0].message
    assert [outcome.result for outcome in east.outcomes] == [Result.FAILED]
    hook.unlink()
    east, west = await deliver(mirror, work("east", config("a")), work("west", config("a")))
    assert results([east, west]) == [["a:created"], ["a:unchanged"]]


async def test_runs_that_race_for_a_branch_both_arrive(origin: Origin, mirror_of: MakeMirror) -> None:
    mirrors = [mirror_of(origin.path, f"cache-{number}") for number in range(3)]
    there = [await branches.read_inventories(mirror, SETTINGS, None) for mirror in mirrors]
    done = await asyncio.gather(
        *(
            branches.deliver(
                mirror, [work("east", config("a", n=str(number)), subscription=f"default/s{number}")], read, OPTIONS
            )
            for number, (mirror, read) in enumerate(zip(mirrors, there, strict=True))
        )
    )
    assert [row.state for (row,) in done] == [State.DELIVERED] * 3
    assert len(origin.log("clusters/east")) == 3
    assert len(files(origin, "clusters/east")) == 6


async def test_a_cluster_that_was_renamed_moves_to_its_new_branch(origin: Origin, mirror_of: MakeMirror) -> None:
    mirror = mirror_of(origin.path)
    await deliver(mirror, work("east", config("a")), work("west", config("b")))
    renamed = msgspec.structs.replace(OPTIONS, names={**NAMES, "id-east": "orient"})
    await deliver(mirror, work("east", config("a")), options=renamed)
    assert files(origin, "clusters/orient") == [
        ".reconciler/default.web.inventory",
        "default/web/web/config-map_a.yaml",
    ]
    assert files(origin, "clusters/east") == []
    assert len(files(origin, "clusters/west")) == 2


async def test_clusters_of_one_name_do_not_share_a_branch(origin: Origin, mirror_of: MakeMirror) -> None:
    twins = msgspec.structs.replace(OPTIONS, names={"id-east": "same", "id-west": "same"})
    (row,) = await deliver(mirror_of(origin.path), work("east", config("a")), options=twins)
    assert row.state is State.FAILED
    assert "2 clusters are named 'same'" in row.message


async def test_the_branch_of_another_fleet_is_not_touched(origin: Origin, mirror_of: MakeMirror) -> None:
    mirror = mirror_of(origin.path)
    await deliver(mirror, work("east", config("a")))
    head = origin.log("clusters/east")
    other = Settings(fleet="other", delivery=Delivery(to="branches"))
    there = await branches.read_inventories(mirror, other, None)
    options = msgspec.structs.replace(OPTIONS, fleet="other")
    east, west = await branches.deliver(mirror, [gone("east"), work("west", config("b"))], there, options)
    assert (east.state, west.state) == (State.FAILED, State.DELIVERED)
    assert "belongs to fleet 'web'" in east.message
    assert origin.log("clusters/east") == head


@pytest.mark.parametrize(
    ("settings", "source"),
    [
        (SETTINGS, "refs/heads/clusters/main"),
        (Settings(fleet="web", status=StatusTo(branch="clusters/status")), "refs/heads/main"),
        (Settings(fleet="web", delivery=Delivery(branches=Branches(prefix="main"))), "refs/heads/main"),
    ],
    ids=["source", "status", "prefix"],
)
async def test_branches_that_are_delivered_to_hold_nothing_else(
    origin: Origin, mirror_of: MakeMirror, settings: Settings, source: str
) -> None:
    with pytest.raises(UsageError):
        await branches.read_inventories(mirror_of(origin.path), settings, source)
