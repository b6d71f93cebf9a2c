"""1000 declared clusters with 100 feeds each, delivered into a directory that has them already."""

from __future__ import annotations

import itertools
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import gitrepo
from bench.measure import Command, Sample, run
from bench.progress import say
from bench.scenario import Contender, Goal, Prepared, Scenario
from bench.world import RECONCILER

SAME, NEW, VERIFY = "same commit again", "new commit that changes no feed", "verification of the directory"


@dataclass(frozen=True)
class Delivered:
    """A fleet repo that is delivered into `work`/rendered."""

    repo: gitrepo.Repo
    work: Path
    cache: Path

    def sync(self, *options: str) -> Sample:
        """`reconciler sync --once`, and how many files it wrote or removed."""
        marker = self.work / "marker"
        marker.touch()
        before = self._count()
        argv = [str(RECONCILER), "sync", str(self.repo.remote), "--once", *options]
        sample = run(Command(argv, {"XDG_CACHE_HOME": str(self.cache)}, self.work))[0]
        writes = self._count("-newer", str(marker)) + abs(self._count() - before)
        return Sample({**sample.metrics, "writes": writes})

    def _count(self, *conditions: str) -> int:
        """Files by `find`: a set of them here would count as memory of every child that is measured."""
        (self.work / "rendered").mkdir(exist_ok=True)
        command = ["find", "rendered", "-type", "f", *conditions, "-printf", "."]
        return len(subprocess.run(command, cwd=self.work, check=True, capture_output=True).stdout)


@contextmanager
def unchanged() -> Iterator[Prepared]:
    """The three ways of finding that there is nothing to do."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        top, numbers = Path(scratch), itertools.count()
        repo = gitrepo.create(top / "repo", _files())
        (top / "run").mkdir()
        here = Delivered(repo, top / "run", top / "cache")
        say(f"first delivery: {here.sync().metrics}")

        def new_commit() -> Sample:
            repo.commit({"NOTES.md": f"note {next(numbers)}\n"})
            return here.sync()

        verify: Callable[[], Sample] = lambda: here.sync("--check-drift")  # noqa: E731
        yield Prepared(
            [Contender(SAME, here.sync), Contender(VERIFY, verify), Contender(NEW, new_commit)],
            [
                Goal(f"{SAME}: CPU", SAME, "cpu_s", at_most=0.5),
                Goal(f"{NEW}: time", NEW, "wall_s", at_most=1),
                Goal(f"{VERIFY}: time", VERIFY, "wall_s", at_most=5),
                *(Goal(f"{name}: files written", name, "writes", at_most=0) for name in (SAME, NEW, VERIFY)),
            ],
        )


def _files() -> dict[str, bytes]:
    from bench.fleets import synthetic

    return dict(synthetic(clusters=1000, feeds=100))


SCENARIOS = [
    Scenario(
        "unchanged",
        "1000 clusters x 100 feeds in a directory: nothing to do",
        unchanged,
        metrics=("wall_s", "cpu_s", "rss_mib", "writes"),
    )
]
