"""What scenarios with real clusters share: three children, a scratch directory, and the two command lines."""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import gitrepo, localfleet, watched, workload
from bench.measure import Command

TOP = Path(__file__).resolve().parents[1]
RECONCILER = Path(sys.executable).with_name("reconciler")


@dataclass(frozen=True)
class Subject:
    """One namespace of `count` objects on each child, and the repo that describes them."""

    name: str
    repo: gitrepo.Repo
    cache: Path
    count: int

    def commit(self, versions: Sequence[int]) -> str:
        """A commit with these versions; its id."""
        return self.repo.commit({"objects.yaml": _manifest(self.name, versions)})

    def edit(self, versions: Sequence[int]) -> None:
        """The same, without a commit."""
        (self.repo.work / "objects.yaml").write_text(_manifest(self.name, versions))


@dataclass(frozen=True)
class World:
    """Three children, and everything that a contender needs to reach them."""

    scratch: Path
    fleet: localfleet.Fleet
    kubectl: str
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def subject(self, count: int) -> Subject:
        """A fleet repo of its own, with a namespace, a fleet id and a cache that nobody had before."""
        name = f"bench-{next(self._numbers)}"
        children = [child.context for child in self.fleet.children]
        repo = gitrepo.create(self.scratch / name, workload.fleet_repo(name, name, children, count))
        return Subject(name, repo, self.scratch / name / "cache", count)

    def sync(self, subject: Subject, *options: str) -> Command:
        """`reconciler sync REMOTE`, not waiting for readiness, as kubectl does not either."""
        env = {"KUBECONFIG": str(self.fleet.kubeconfig), "XDG_CACHE_HOME": str(subject.cache)}
        return Command([str(RECONCILER), "sync", str(subject.repo.remote), "--no-wait", *options], env, self.scratch)

    def engine(self, subject: Subject) -> Command:
        """The delivery alone of what stands in the subject's work tree; prints its seconds."""
        env = {"KUBECONFIG": str(self.fleet.kubeconfig)}
        return Command([sys.executable, "-m", "bench.engine", str(subject.repo.work)], env, TOP)

    def bare(self, name: str, versions: Sequence[int]) -> Command:
        """Server-side apply of ready bodies and nothing else; prints its seconds."""
        directory = self.scratch / f"{name}-bodies"
        directory.mkdir(exist_ok=True)
        for n, body in enumerate([workload.namespace_of(name), *workload.objects(name, versions)]):
            (directory / f"{n:03}.json").write_text(json.dumps(body))
        kubeconfigs = [str(child.kubeconfig) for child in self.fleet.children]
        return Command([sys.executable, "-m", "bench.bare", str(directory), *kubeconfigs], cwd=TOP)

    def kubectl_apply(self, name: str, versions: Sequence[int]) -> list[Command]:
        """`kubectl apply --server-side` of the objects, one command for each child."""
        file = self.scratch / f"{name}.yaml"
        file.write_text(_manifest(name, versions))
        apply = [self.kubectl, "apply", "--server-side", "--filename", str(file)]
        return [Command([*apply, "--kubeconfig", str(child.kubeconfig)]) for child in self.fleet.children]

    def settle(self) -> None:
        """Wait until the children's controllers have nothing left to do of what the contender before has changed."""
        for child in self.fleet.children:
            watched.wait_until_observed(child)


def _manifest(name: str, versions: Sequence[int]) -> str:
    return workload.manifest([workload.namespace_of(name), *workload.objects(name, versions)])


@contextmanager
def world() -> Iterator[World]:
    """Three fresh children; everything is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        scratch = Path(directory)
        with localfleet.fleet(scratch) as fleet:
            yield World(scratch, fleet, localfleet.kubectl())
