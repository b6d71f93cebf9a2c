"""What scenarios with real clusters share: three children, a scratch directory, and the two command lines."""

from __future__ import annotations

import itertools
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import gitrepo, hundred, localfleet
from bench.measure import Command

RECONCILER = Path(sys.executable).with_name("reconciler")


@dataclass(frozen=True)
class Subject:
    """One namespace of a hundred objects on each child, and the repo that describes them."""

    name: str
    repo: gitrepo.Repo
    cache: Path

    def commit(self, versions: Sequence[int]) -> str:
        """A commit with these versions; its id."""
        bodies = [hundred.namespace_of(self.name), *hundred.objects(self.name, versions)]
        return self.repo.commit({"objects.yaml": hundred.manifest(bodies)})


@dataclass(frozen=True)
class World:
    """Three children, and everything that a contender needs to reach them."""

    scratch: Path
    fleet: localfleet.Fleet
    kubectl: str
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def subject(self) -> Subject:
        """A fleet repo of its own, with a namespace, a fleet id and a cache that nobody had before."""
        name = f"hundred-{next(self._numbers)}"
        children = [child.context for child in self.fleet.children]
        repo = gitrepo.create(self.scratch / name, hundred.fleet_repo(name, name, children))
        return Subject(name, repo, self.scratch / name / "cache")

    def sync(self, subject: Subject, *options: str) -> Command:
        """`reconciler sync REMOTE`, not waiting for readiness, as kubectl does not either."""
        env = {"KUBECONFIG": str(self.fleet.kubeconfig), "XDG_CACHE_HOME": str(subject.cache)}
        return Command([str(RECONCILER), "sync", str(subject.repo.remote), "--no-wait", *options], env, self.scratch)

    def kubectl_apply(self, name: str, versions: Sequence[int]) -> list[Command]:
        """`kubectl apply --server-side` of the hundred objects, one command for each child."""
        file = self.scratch / f"{name}.yaml"
        bodies = [hundred.namespace_of(name), *hundred.objects(name, versions)]
        file.write_text(hundred.manifest(bodies))
        apply = [self.kubectl, "apply", "--server-side", "--filename", str(file)]
        return [Command([*apply, "--kubeconfig", str(child.kubeconfig)]) for child in self.fleet.children]


@contextmanager
def world() -> Iterator[World]:
    """Three fresh children; everything is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        scratch = Path(directory)
        with localfleet.fleet(scratch) as fleet:
            yield World(scratch, fleet, localfleet.kubectl())
