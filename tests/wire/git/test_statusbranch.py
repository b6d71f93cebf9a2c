"""Status as commits: read back as written, another fleet's left alone, and no status lost in a race."""

import asyncio
import datetime
import multiprocessing
import os
import random
from pathlib import Path

import msgspec
import pytest

from reconciler.adapters.git.mirror import Mirror
from reconciler.adapters.git.remote import parse
from reconciler.adapters.git.run import Git
from reconciler.model.errors import ToolFailed, UsageError
from reconciler.model.objects import CommitId, Digest
from reconciler.model.settings import Settings
from reconciler.model.status import ClusterNote, FleetStatus, State, UnitStatus
from reconciler.sync import statusbranch
from tests.wire.git.conftest import MakeMirror
from tests.wire.git.repos import Origin, git

ROUNDS = int(os.environ.get("RACE_ROUNDS", "4"))
"""Status commits of each racing run; more in a soak."""
NOW = datetime.datetime(2026, 2, 3, tzinfo=datetime.UTC)
SETTINGS = Settings(fleet="web")
REF = "refs/heads/reconciler-status"
SOURCE = CommitId("a" * 40)


def cluster(number: int) -> ClusterNote:
    return ClusterNote(f"00000000-0000-0000-0000-{number:012d}", f"c{number}", f"clusternet-{number}")


def with_unit(status: FleetStatus, number: int, subscription: str = "default/web", **fields: object) -> FleetStatus:
    note = cluster(number)
    unit = UnitStatus(subscription, note.id, State.DELIVERED, SOURCE, Digest("d" * 40), 3)
    unit = msgspec.structs.replace(unit, **fields)
    clusters, units = {**status.clusters, note.id: note}, {**status.units, unit.unit: unit}
    return msgspec.structs.replace(status, commit=SOURCE, clusters=clusters, units=units)


async def head_of(mirror: Mirror) -> CommitId | None:
    return (await mirror.ls_remote([REF])).refs.get(REF)


async def read(mirror: Mirror) -> FleetStatus:
    return await statusbranch.read(mirror, SETTINGS, await head_of(mirror))


async def test_what_was_written_is_read_back_by_a_run_without_a_cache(origin: Origin, mirror_of: MakeMirror) -> None:
    source = origin.commit({"fleet.yaml": "fleet: web"})
    mirror = mirror_of(origin.path)
    empty = await read(mirror)
    assert empty == FleetStatus("web")
    after = with_unit(with_unit(empty, 1), 2, state=State.FAILED, message="boom")
    written = await statusbranch.write(mirror, SETTINGS, empty, after, CommitId(source), NOW)
    assert written.version == await head_of(mirror)
    assert await read(mirror_of(origin.path, "other-cache")) == written
    assert origin.log("main") == [source]
    assert git(origin.path, "log", "--format=%(trailers)", REF) == f"Source-Commit: {source}\nFleet: web"
    assert "boom" in origin.show(REF, "README.md")


async def test_nothing_is_written_when_nothing_changed(origin: Origin, mirror_of: MakeMirror) -> None:
    mirror = mirror_of(origin.path)
    written = await statusbranch.write(
        mirror, SETTINGS, FleetStatus("web"), with_unit(FleetStatus("web"), 1), SOURCE, NOW
    )
    assert await statusbranch.write(mirror, SETTINGS, written, written, SOURCE, NOW) == written
    assert origin.log(REF) == [written.version]


async def test_one_unit_that_changed_is_one_commit_of_few_files(origin: Origin, mirror_of: MakeMirror) -> None:
    mirror = mirror_of(origin.path)
    status = FleetStatus("web")
    for number in range(20):
        status = with_unit(with_unit(status, number), number, "default/api")
    before = await statusbranch.write(mirror, SETTINGS, FleetStatus("web"), status, SOURCE, NOW)
    after = with_unit(before, 7, state=State.FAILED)
    await statusbranch.write(mirror, SETTINGS, before, after, SOURCE, NOW)
    changed = git(origin.path, "diff", "--name-only", f"{REF}~1", REF).splitlines()
    assert changed == ["README.md", "clusters/c7.json", "subscriptions/default/web.json"]


async def test_the_branch_of_another_fleet_is_refused(origin: Origin, mirror_of: MakeMirror) -> None:
    mirror = mirror_of(origin.path)
    other = Settings(fleet="other")
    await statusbranch.write(mirror, other, FleetStatus("other"), with_unit(FleetStatus("other"), 1), SOURCE, NOW)
    with pytest.raises(UsageError, match="status of fleet 'other'"):
        await read(mirror)


async def test_a_branch_that_holds_something_else_is_refused(origin: Origin, mirror_of: MakeMirror) -> None:
    origin.commit({"a.yaml": "a"})
    git(origin.path, "branch", "reconciler-status", "main")
    with pytest.raises(UsageError, match="no status of a fleet"):
        await read(mirror_of(origin.path))


async def test_a_protected_branch_is_told_in_the_remotes_words(origin: Origin, mirror_of: MakeMirror) -> None:
    hook = origin.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho branch is protected\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(ToolFailed, match="branch is protected"):
        await statusbranch.write(
            mirror_of(origin.path), SETTINGS, FleetStatus("web"), with_unit(FleetStatus("web"), 1), SOURCE, NOW
        )


async def test_a_run_that_was_overtaken_keeps_both_statuses(origin: Origin, mirror_of: MakeMirror) -> None:
    one, two = mirror_of(origin.path, "one"), mirror_of(origin.path, "two")
    base = await statusbranch.write(one, SETTINGS, FleetStatus("web"), with_unit(FleetStatus("web"), 1), SOURCE, NOW)
    same = await read(two)
    await statusbranch.write(one, SETTINGS, base, with_unit(base, 2), SOURCE, NOW)
    written = await statusbranch.write(two, SETTINGS, same, with_unit(same, 3), SOURCE, NOW)
    assert {note.name for note in written.clusters.values()} == {"c1", "c2", "c3"}
    assert len(written.units) == 3
    assert await read(one) == written


async def test_what_both_changed_is_what_the_newer_commit_says(origin: Origin, mirror_of: MakeMirror) -> None:
    old, new = CommitId(origin.commit({"a": "1"})), CommitId(origin.commit({"a": "2"}))
    one, two = mirror_of(origin.path, "one"), mirror_of(origin.path, "two")
    for mirror in (one, two):
        await mirror.fetch({"refs/heads/main": new}, history=True)
    base = await statusbranch.write(one, SETTINGS, FleetStatus("web"), with_unit(FleetStatus("web"), 1), old, NOW)
    newer = msgspec.structs.replace(with_unit(base, 1, commit=new, message="new"), commit=new)
    older = msgspec.structs.replace(with_unit(base, 1, commit=old, message="old"), commit=old)
    await statusbranch.write(one, SETTINGS, base, newer, new, NOW)
    written = await statusbranch.write(two, SETTINGS, base, older, old, NOW)
    assert written.commit == new
    assert [unit.message for unit in written.units.values()] == ["new"]


def _racer(repo: str, cache: str, number: int, rounds: int) -> None:
    """One clone that writes a status of its own cluster in every round."""

    async def race() -> None:
        mirror = Mirror(Git(dict(os.environ)), parse(repo, Path(cache)), Path(cache))
        choice = random.Random(number)
        status = await read(mirror)
        for turn in range(rounds):
            after = with_unit(status, number, f"default/s{turn}", message=f"{number}:{turn}")
            status = await statusbranch.write(mirror, SETTINGS, status, after, SOURCE, NOW)
            await asyncio.sleep(choice.random() * 0.01)
        await mirror.close()

    asyncio.run(race())


@pytest.mark.parametrize("shared", [False, True], ids=["own caches", "one cache"])
def test_racing_runs_lose_no_status(origin: Origin, mirror_of: MakeMirror, tmp_path: Path, shared: bool) -> None:
    racers, rounds = 3, ROUNDS
    context = multiprocessing.get_context("spawn")
    caches = [str(tmp_path / ("shared" if shared else f"cache-{number}")) for number in range(racers)]
    processes = [
        context.Process(target=_racer, args=(str(origin.path), caches[number], number, rounds))
        for number in range(racers)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    status = asyncio.run(read(mirror_of(origin.path)))
    assert {unit.message for unit in status.units.values()} == {
        f"{n}:{r}" for n in range(racers) for r in range(rounds)
    }
    assert len(origin.log(REF)) == racers * rounds
