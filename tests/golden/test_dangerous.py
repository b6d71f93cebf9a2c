"""Repos that lost something: what a delivered fleet would delete when it moved to each of them.

The good repo is `broken/base`, delivered to three clusters. Every folder of `broken/` is laid over it, every file of it
is damaged in every way, and then come the mistakes that read well. Decided is as a run decides, by the worklist and the
planner. Nothing that was delivered may go from a repo with an error, and precious objects go from none.
"""

from collections.abc import Callable, Mapping
from functools import cache

import msgspec
import pytest

from reconciler.model.applysettings import Prune
from reconciler.model.clusters import ClusterFacts
from reconciler.model.feed import Unit
from reconciler.model.inventory import Entry, Inventory
from reconciler.model.objects import CommitId, Digest, ObjectKey
from reconciler.model.plan import Plan
from reconciler.model.snapshot import Problem, Severity
from reconciler.model.status import FleetStatus, State, UnitStatus
from reconciler.planning import budget
from reconciler.planning.plan import plan
from reconciler.render.render import render
from reconciler.scheduling.schedule import schedule
from reconciler.sync.options import Narrow
from reconciler.sync.selection import Selection
from reconciler.sync.worklist import Evaluated, Judge, worklist
from tests.golden.test_broken import BASE, BROKEN, CASES, _feeds, _files, _read, _schedule
from tests.repos import read_repo

Files = dict[str, bytes]
PRECIOUS = {"Namespace", "PersistentVolume", "PersistentVolumeClaim", "CustomResourceDefinition"}
WEB, WEB_SUBSCRIPTION, LOGGING = "apps/web.yaml", "apps/subscription.yaml", "addons/logging.yaml"


def _facts(evaluated_clusters: Mapping[str, object]) -> dict[str, ClusterFacts]:
    return {cluster: sourced.value for cluster, sourced in evaluated_clusters.items()}  # type: ignore[attr-defined]


def evaluated(files: Files, previous: FleetStatus) -> Evaluated | None:
    """What a commit with these files says; None where its settings cannot be used, so that a run ends there."""
    snapshot, problems = read_repo(files)
    if snapshot is None:
        return None
    facts = _facts(snapshot.clusters)
    placed = schedule(snapshot, facts, previous)
    feeds = render(snapshot, placed, facts, {})
    every: tuple[Problem, ...] = (*problems, *placed.problems, *feeds.problems)
    return Evaluated(CommitId("b" * 40), snapshot, facts, placed, feeds, every)


def of_case(case: str) -> Evaluated | None:
    """As `evaluated`, of a folder of `broken/`, with what its programs answered."""
    snapshot, problems = _read(case)
    if snapshot is None:
        return None
    facts = _facts(snapshot.clusters)
    return Evaluated(CommitId("b" * 40), snapshot, facts, _schedule(snapshot), _feeds(case, snapshot), problems)


@cache
def delivered() -> tuple[FleetStatus, Mapping[Unit, Inventory]]:
    """The good repo, wholly there."""
    good = evaluated(_files(BASE), FleetStatus("demo"))
    assert good is not None
    inventories, units = {}, {}
    for unit, feed in good.feeds.units.items():
        entries = {obj.key: Entry(obj.key, obj.api_version, obj.digest, uid=str(obj.key)) for obj in feed.objects}
        inventories[unit] = Inventory(unit, "demo", entries, feed.digest)
        units[unit] = UnitStatus(*_names(unit), state=State.READY, feed=feed.digest, objects=len(entries))
    return FleetStatus("demo", CommitId("a" * 40), units=units), inventories


def _names(unit: Unit) -> tuple[str, str]:
    return unit.subscription, unit.cluster


def plans(found: Evaluated | None, acknowledged: frozenset[Digest] = frozenset()) -> list[Plan]:
    """What a run would do, budget included."""
    if found is None:
        return []
    status, inventories = delivered()
    if found.snapshot.settings.fleet != "demo":
        inventories = {}  # inventories are labelled with their fleet: this one has none
    judge = Judge(found, status, Selection(Narrow(), found.facts, found.snapshot), acknowledged)
    works = worklist(judge, (*found.feeds.units, *inventories)).works
    made = []
    for work in works:
        inventory = inventories.get(work.unit, Inventory(work.unit, "demo"))
        made.append(plan(work.unit, work.feed, inventory, {}, _elsewhere(work, works, inventories)))
    totals: dict[str, int] = {}
    for unit, inventory in inventories.items():
        totals[unit.cluster] = totals.get(unit.cluster, 0) + len(inventory.entries)
    guards = budget.judged(made, totals, Prune(), acknowledged)
    return [budget.restrained(one, guards[one.unit]) if one.unit in guards else one for one in made]


def _elsewhere(work, works, inventories):
    keys = {
        obj.key
        for other in works
        if other.feed and other.unit != work.unit and other.unit.cluster == work.unit.cluster
        for obj in other.feed.objects
    }
    left = inventories.keys() - {other.unit for other in works}
    keys |= {key for unit in left if unit.cluster == work.unit.cluster for key in inventories[unit].entries}
    return msgspec.structs.replace(work.evidence, elsewhere=frozenset(keys))


def deleted(made: list[Plan]) -> set[tuple[str, ObjectKey]]:
    return {(one.unit.cluster, change.key) for one in made for wave in one.prunes for change in wave}


def held(made: list[Plan]) -> set[str]:
    return {one.guard.rule for one in made if one.guard}


def is_broken(found: Evaluated | None) -> bool:
    return found is None or any(problem.severity is Severity.ERROR for problem in found.problems)


def _lines(content: bytes, count: int) -> bytes:
    return b"".join(content.splitlines(keepends=True)[:count])


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut in half": lambda content: _lines(content, len(content.splitlines()) // 2),
    "cut in a line": lambda content: content[: len(content) * 2 // 3],
    "without its first line": lambda content: content.partition(b"\n")[2],
    "without its last line": lambda content: _lines(content, len(content.splitlines()) - 1),
    "with a conflict": lambda content: b"<<<<<<< HEAD\n" + content + b"=======\n>>>>>>> other\n",
    "with a tab": lambda content: content.replace(b"\n  ", b"\n\t", 1),
    "not text": lambda content: b"\xff\xfe" + content,
    "other kind": lambda content: content.replace(b"kind: ", b"kind: Un", 1),
    "quote not closed": lambda content: content.replace(b"name: ", b'name: "', 1),
    "name twice": lambda content: content.replace(b"  name: ", b"  name: other\n  name: ", 1),
}
DAMAGED = [(path, how) for path in sorted(_files(BASE)) if path != "fleet.yaml" for how in DAMAGE]


def changed(path: str, old: str, new: str) -> Files:
    files = _files(BASE)
    assert old.encode() in files[path]
    return files | {path: files[path].replace(old.encode(), new.encode())}


def without(*paths: str) -> Files:
    return {path: content for path, content in _files(BASE).items() if path not in paths}


FEED = "feeds:\n    - {apiVersion: v1, kind: ConfigMap, namespace: kube-system, name: logging}"
MISTAKES: dict[str, tuple[Files, set[str]]] = {
    "everything gone but the settings": ({"fleet.yaml": b"fleet: demo\n"}, {"vanished-cluster"}),
    "only clusters left": (
        without(WEB, WEB_SUBSCRIPTION, LOGGING, "overrides/east.yaml", "overrides/production.yaml"),
        {"empty-repo"},
    ),
    "everything ignored": (changed("fleet.yaml", "demo", "demo\nignore: ['**']"), {"vanished-cluster"}),
    "another root": (changed("fleet.yaml", "demo", "demo\nroots: [clusters]"), {"empty-repo"}),
    "a root that is not there": (changed("fleet.yaml", "demo", "demo\nroots: [nowhere]"), set()),
    "settings gone": (without("fleet.yaml"), set()),
    "settings broken": (changed("fleet.yaml", "fleet: demo", "fleet: [demo"), set()),
    "fleet renamed": (changed("fleet.yaml", "demo", "demonstration"), set()),
    "all clusters gone": (
        without("clusters/east.yaml", "clusters/west.yaml", "clusters/edge.yaml"),
        {"vanished-cluster"},
    ),
    "one cluster gone": (without("clusters/edge.yaml"), {"vanished-cluster"}),
    "a cluster with another id": (changed("clusters/edge.yaml", "000000000003", "000000000009"), {"vanished-cluster"}),
    "a selector that matches nothing": (
        changed(LOGGING, "clusterAffinity: {}", "clusterAffinity: {matchLabels: {no: o}}"),
        set(),
    ),
    "labels of clusters gone": (changed("clusters/east.yaml", "    name: east\n", ""), {"precious"}),
    "feeds emptied": (changed(LOGGING, FEED, "feeds: []"), set()),
    "feeds found nowhere": (changed(LOGGING, "name: logging}", "name: loging}"), set()),
    "the namespace renamed": (changed(WEB, "metadata:\n  name: web\n---", "metadata:\n  name: web2\n---"), set()),
    "manifests gone, Subscription there": (without(WEB), set()),
    "the Subscription of a Namespace gone": (without(WEB, WEB_SUBSCRIPTION, "overrides/east.yaml"), {"precious"}),
    "the Subscription in another namespace": (
        changed(WEB_SUBSCRIPTION, "namespace: fleet", "namespace: fleets"),
        set(),
    ),
}
"""Files, and the rules that hold what would go; none where a run ends, or nothing is to go."""
ON_PURPOSE = {"the Subscription of a Namespace gone", "labels of clusters gone"}
"""What a commit may mean: a Subscription removed, a cluster that leaves a selector."""


@pytest.mark.parametrize("case", CASES)
def test_a_broken_repo_deletes_nothing(case: str) -> None:
    found = of_case(case)
    gone = deleted(plans(found))
    assert not {key.kind for _, key in gone} & PRECIOUS
    if is_broken(found):
        assert not gone
    else:
        _, inventories = delivered()
        there = {(unit.cluster, obj.key) for unit, feed in found.feeds.units.items() for obj in feed.objects}  # type: ignore[union-attr]
        assert not gone & there
        assert len(gone) <= sum(len(one.entries) for one in inventories.values()) // 2


@pytest.mark.parametrize(("path", "how"), DAMAGED, ids=[f"{path} {how}" for path, how in DAMAGED])
def test_a_damaged_file_deletes_nothing(path: str, how: str) -> None:
    files = _files(BASE)
    status, _ = delivered()
    found = evaluated(files | {path: DAMAGE[how](files[path])}, status)
    gone = deleted(plans(found))
    assert not {key.kind for _, key in gone} & PRECIOUS
    if is_broken(found):
        assert not gone


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_that_reads_well_deletes_nothing_that_nobody_acknowledged(mistake: str) -> None:
    files, rules = MISTAKES[mistake]
    status, _ = delivered()
    found = evaluated(files, status)
    made = plans(found)
    assert held(made) >= rules
    assert not {key.kind for _, key in deleted(made)} & PRECIOUS
    if mistake not in ON_PURPOSE:
        assert deleted(made) == set()


@pytest.mark.parametrize("mistake", [name for name, (_, rules) in MISTAKES.items() if rules])
def test_what_is_acknowledged_goes_and_its_digest_fits_nothing_else(mistake: str) -> None:
    files, _ = MISTAKES[mistake]
    status, _ = delivered()
    found = evaluated(files, status)
    guards = {one.unit: one.guard for one in plans(found) if one.guard}
    for unit, guard in guards.items():
        one = plans(found, frozenset([guard.acknowledge]))
        gone = {
            (u.unit, change.key) for u in one for wave in u.prunes for change in wave if change.key in u.acknowledged
        }
        assert gone == {(unit, key) for key in guard.keys}


def test_the_good_repo_deletes_nothing_and_a_hundred_bad_ones_were_tried() -> None:
    status, _ = delivered()
    assert deleted(plans(evaluated(_files(BASE), status))) == set()
    assert len(CASES) + len(DAMAGED) + len(MISTAKES) > 150
    assert BROKEN.is_dir()
