"""A mirror that follows many commits keeps its handles, its one child and its memory."""

import datetime
import os
import resource
from pathlib import Path

from reconciler.adapters.git.write import Author, Draft, commit
from reconciler.model.settings import Settings
from reconciler.model.status import ClusterNote, FleetStatus, State, UnitStatus
from reconciler.sync import statusbranch
from tests.wire.git.conftest import MakeMirror
from tests.wire.git.repos import Origin, git

COMMITS = int(os.environ.get("COMMITS", "20"))
"""Commits that are followed; 500 in a soak."""
NOW = datetime.datetime(2026, 2, 3, tzinfo=datetime.UTC)
MAIN, STATUS = "refs/heads/main", "refs/heads/reconciler-status"


def handles() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def children() -> list[str]:
    task = Path(f"/proc/{os.getpid()}/task")
    pids = [pid for thread in task.iterdir() for pid in (thread / "children").read_text().split()]
    return [Path(f"/proc/{pid}/cmdline").read_bytes().decode() for pid in pids]


def memory() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def test_many_commits_leave_nothing_behind(origin: Origin, mirror_of: MakeMirror) -> None:
    origin.commit({"a.yaml": "start"})
    writer, mirror, settings = mirror_of(origin.path, "writer"), mirror_of(origin.path), Settings(fleet="web")
    head = (await writer.ls_remote([MAIN])).refs[MAIN]
    await writer.fetch({MAIN: head})
    note = ClusterNote("id", "east", "clusternet-east")
    status, measured = FleetStatus("web"), []
    for number in range(COMMITS):
        draft = Draft("main", head, {f"d{number % 9}/{number}.yaml": b"x: %d\n" % number}, f"change {number}")
        (head,) = await commit(writer, [draft], Author("a", "a@example.com", NOW))
        git(origin.path, "fetch", "--quiet", str(writer.directory), f"{head}:main")
        told = (await mirror.ls_remote([MAIN, STATUS])).refs
        await mirror.fetch({MAIN: told[MAIN]})
        tree = await mirror.tree(told[MAIN])
        assert len(await mirror.blobs(tree.files.values())) == len(tree.files) == number + 2
        status = await statusbranch.read(mirror, settings, told.get(STATUS))
        unit = UnitStatus("default/web", "id", State.DELIVERED, head)
        after = FleetStatus("web", head, {"id": note}, {unit.unit: unit}, version=status.version)
        await statusbranch.write(mirror, settings, status, after, head, NOW)
        measured.append((handles(), len(children()), memory()))
    warm, last = measured[len(measured) // 4], measured[-1]
    assert last[:2] == warm[:2]
    assert last[2] - warm[2] < 16 << 20
    await mirror.close()
    await writer.close()
    assert not [command for command in children() if "cat-file" in command]
    assert len(origin.log(STATUS)) == COMMITS
