"""Delivery into real directories: one file per object, nothing of others touched, finished after a kill."""

from pathlib import Path

import msgspec
import pytest

from reconciler.adapters.files import Directory, exclusive
from reconciler.apply import directory, directoryindex
from reconciler.model.errors import ReconcilerError, Refused, UsageError
from reconciler.model.feed import RenderedFeed, RenderedObject, Unit
from reconciler.model.objects import CommitId, digest_of, key_of
from reconciler.model.plan import Evidence, Work
from reconciler.model.status import Delivered, Result, State

UNIT = Unit("default/app", "3c8eaf24-95d7-4a4c-b3e9-6f7d2a0b3e03")
CLEAN = Evidence(clean=True, subscription_known=True, cluster_known=True, placed=True)
OPTIONS = directory.Options(fleet="demo", commit=CommitId("c" * 40), names={UNIT.cluster: "east"})


def rendered(name: str, value: str = "1", **annotations: str) -> RenderedObject:
    metadata = {"name": name, "namespace": "web", "annotations": annotations}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": value}}
    return RenderedObject(key_of(body), "v1", body, digest_of(body))


def work(*objects: RenderedObject, unit: Unit = UNIT, evidence: Evidence = CLEAN) -> Work:
    feed = RenderedFeed(unit, objects, digest_of([obj.digest for obj in objects]))
    return Work(unit, feed if objects else None, evidence)


def deliver(root: Path, *works: Work, **options: object) -> list[Delivered]:
    return directory.deliver(root, works, msgspec.structs.replace(OPTIONS, **options))


def results(delivered: list[Delivered]) -> dict[str, Result]:
    return {outcome.key.name: outcome.result for row in delivered for outcome in row.outcomes}


def manifests(root: Path) -> set[str]:
    return {path.name for path in root.rglob("*.yaml")}


def test_only_the_file_of_a_changed_object_is_written(tmp_path: Path) -> None:
    deliver(tmp_path, work(rendered("a"), rendered("b")))
    times = {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("*.yaml")}
    assert results(deliver(tmp_path, work(rendered("a"), rendered("b", "2")))) == {
        "a": Result.UNCHANGED,
        "b": Result.CHANGED,
    }
    after = {path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("*.yaml")}
    assert after["config-map_a.yaml"] == times["config-map_a.yaml"]
    assert after["config-map_b.yaml"] != times["config-map_b.yaml"]


def test_file_of_a_removed_object_goes_and_the_directories_that_it_leaves_empty(tmp_path: Path) -> None:
    deliver(tmp_path, work(rendered("a")))
    (tmp_path / "east" / "notes.txt").write_text("mine")
    (row,) = deliver(tmp_path, work())
    assert results([row]) == {"a": Result.PRUNED}
    assert [path.name for path in (tmp_path / "east").iterdir()] == ["notes.txt"]
    assert directoryindex.units_of(directoryindex.read_index(tmp_path, "demo"), OPTIONS.names) == {}


def test_file_of_an_object_that_asks_to_be_kept_stays(tmp_path: Path) -> None:
    kept = rendered("a", **{"reconciler.clusternet.io/prune": "disabled"})
    deliver(tmp_path, work(kept, rendered("b")))
    assert results(deliver(tmp_path, work(rendered("b")))) == {"a": Result.KEPT, "b": Result.UNCHANGED}
    assert "config-map_a.yaml" in manifests(tmp_path)


def test_guarded_unit_keeps_its_files_and_is_not_done(tmp_path: Path) -> None:
    deliver(tmp_path, work(rendered("a")))
    (row,) = deliver(tmp_path, work(evidence=msgspec.structs.replace(CLEAN, cluster_known=False)))
    assert (row.state, row.guard is not None, manifests(tmp_path)) == (State.HELD, True, {"config-map_a.yaml"})


def test_verification_mends_what_somebody_changed_or_removed(tmp_path: Path) -> None:
    feed = work(rendered("a"), rendered("b"), rendered("c"))
    deliver(tmp_path, feed)
    (changed,) = tmp_path.rglob("config-map_a.yaml")
    (removed,) = tmp_path.rglob("config-map_b.yaml")
    right = changed.read_bytes()
    changed.write_text("kind: Nonsense\n")
    removed.unlink()
    assert set(results(deliver(tmp_path, feed)).values()) == {Result.UNCHANGED}
    assert results(deliver(tmp_path, feed, verify=True)) == {
        "a": Result.CHANGED,
        "b": Result.CREATED,
        "c": Result.UNCHANGED,
    }
    assert changed.read_bytes() == right


def test_unconfirmed_write_of_a_killed_run_is_finished(tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def die(_: Delivered) -> None:
        raise Killed

    other = Unit("default/other", UNIT.cluster)
    with pytest.raises(Killed):
        deliver(tmp_path, work(rendered("a")), work(rendered("b"), unit=other), done=die)
    deliver(tmp_path, work(rendered("a", "2")), work(rendered("b"), unit=other))
    assert manifests(tmp_path) == {"config-map_a.yaml", "config-map_b.yaml"}
    assert not list(tmp_path.rglob("*.reconciler-tmp"))


def test_files_of_a_renamed_cluster_move_to_its_new_directory(tmp_path: Path) -> None:
    feed = work(rendered("a"))
    deliver(tmp_path, feed)
    renamed = {UNIT.cluster: "orient"}
    index = directoryindex.read_index(tmp_path, "demo")
    assert directoryindex.units_of(index, OPTIONS.names)[UNIT] == feed.feed.digest
    assert directoryindex.units_of(index, renamed)[UNIT] is None
    assert results(deliver(tmp_path, feed, names=renamed)) == {"a": Result.CREATED}
    assert sorted(path.name for path in tmp_path.iterdir()) == [".reconciler", "orient"]
    assert directoryindex.units_of(directoryindex.read_index(tmp_path, "demo"), renamed)[UNIT] == feed.feed.digest


def test_clusters_that_would_share_a_directory_fail(tmp_path: Path) -> None:
    (row,) = deliver(tmp_path, work(rendered("a")), names={UNIT.cluster: "east", "other": "east"})
    assert (row.state, manifests(tmp_path)) == (State.FAILED, set())


def test_dry_run_writes_nothing_at_all(tmp_path: Path) -> None:
    assert results(deliver(tmp_path / "new", work(rendered("a")), dry_run=True)) == {"a": Result.CREATED}
    assert not (tmp_path / "new").exists()


def test_directory_of_another_fleet_is_refused(tmp_path: Path) -> None:
    deliver(tmp_path, work(rendered("a")))
    with pytest.raises(UsageError, match="belongs to fleet 'demo'"):
        deliver(tmp_path, work(rendered("a")), fleet="other")


def test_second_run_in_the_same_directory_is_refused(tmp_path: Path) -> None:
    with exclusive(tmp_path), pytest.raises(Refused, match="another run"):
        deliver(tmp_path, work(rendered("a")))


def test_unwritable_file_fails_its_unit_and_no_other(tmp_path: Path) -> None:
    other = Unit("default/other", UNIT.cluster)
    (tmp_path / "east" / "default").mkdir(parents=True)
    (tmp_path / "east" / "default" / "app").write_text("a file where a directory should be")
    first, second = deliver(tmp_path, work(rendered("a")), work(rendered("b"), unit=other))
    assert (first.state, second.state) == (State.FAILED, State.DELIVERED)
    assert "cannot write" in first.message


@pytest.mark.parametrize("path", ["/etc/passwd", "../outside", "a/../../b", "", "a//b", "./a"])
def test_path_that_leads_outside_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(ReconcilerError, match="does not name a file below"):
        Directory(tmp_path).write(path, b"")
