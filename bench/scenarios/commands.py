"""Commands of authors on large repos: `check` of 5000 documents, `explain` of one field, a chart in 500 clusters."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import gitrepo
from bench.fleets import charted, synthetic
from bench.localfleet import program
from bench.measure import Command, Sample, run
from bench.scenario import Contender, Goal, Prepared, Scenario
from bench.world import RECONCILER

COLD, WARM = "nothing remembered", "files remembered"
ANEW, AGAIN = "charts not rendered yet", "charts remembered"


@dataclass(frozen=True)
class Author:
    """Somebody with a work tree and a cache."""

    top: Path
    env: Mapping[str, str]

    @property
    def cache(self) -> Path:
        return self.top / "cache"

    def run(self, *arguments: str, forgetting: bool = False) -> Sample:
        """`reconciler COMMAND …` in the work tree."""
        if forgetting:
            shutil.rmtree(self.cache, ignore_errors=True)
        env = {"RECONCILER_CACHE": str(self.cache), **self.env}
        return run(Command([str(RECONCILER), *arguments], env, self.top / "repo" / "work"))[0]


@contextmanager
def author(files: Mapping[str, str | bytes], **env: str) -> Iterator[Author]:
    """A committed work tree of these files."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        gitrepo.create(Path(scratch) / "repo", files)
        yield Author(Path(scratch), env)


@contextmanager
def check() -> Iterator[Prepared]:
    """1000 clusters, 2900 objects, 100 Subscriptions and 1000 overrides."""
    with author(synthetic(clusters=1000, feeds=2900, subscriptions=100, overrides=1000)) as here:
        yield Prepared(
            [
                Contender(COLD, lambda: here.run("check", forgetting=True)),
                Contender(WARM, lambda: here.run("check")),
            ],
            [
                Goal(f"{COLD}: seconds", COLD, "wall_s", at_most=6),
                Goal(f"{WARM}: seconds", WARM, "wall_s", at_most=0.5),
            ],
        )


@contextmanager
def explain() -> Iterator[Prepared]:
    """One field of one object in one of 1000 clusters."""
    with author(synthetic(clusters=1000, feeds=100, localized=True)) as here:
        here.run("check")
        asked = ("explain", "edge-00500", "deployment/feed-0000", "spec.replicas", "-n", "shop")
        yield Prepared(
            [Contender("explain", lambda: here.run(*asked))],
            [Goal("explain: seconds", "explain", "wall_s", at_most=1)],
        )


@contextmanager
def chart() -> Iterator[Prepared]:
    """500 clusters of three environments, whose Globalizations give the chart three sets of values."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        calls, helm = Path(scratch) / "calls", Path(scratch) / "helm"
        calls.touch()
        helm.write_text(f'#!/bin/sh\necho "$1" >> {calls}\nexec {program("helm")} "$@"\n')
        helm.chmod(0o755)
        with author(charted(clusters=500), RECONCILER_HELM=str(helm)) as here:

            def rendered(*, forgetting: bool) -> Sample:
                calls.write_text("")
                sample = here.run("render", "-o", "name", forgetting=forgetting)
                return Sample({**sample.metrics, "helm_runs": calls.read_text().split().count("template")})

            yield Prepared(
                [
                    Contender(ANEW, lambda: rendered(forgetting=True)),
                    Contender(AGAIN, lambda: rendered(forgetting=False)),
                ],
                [
                    Goal(f"{ANEW}: runs of helm template", ANEW, "helm_runs", at_most=3),
                    Goal(f"{AGAIN}: runs of helm template", AGAIN, "helm_runs", at_most=0),
                ],
            )


SCENARIOS = [
    Scenario("check", "check of 5000 documents", check),
    Scenario("explain", "explain of one field in one of 1000 clusters", explain),
    Scenario(
        "chart",
        "A chart in 500 clusters with three sets of values",
        chart,
        metrics=("wall_s", "cpu_s", "rss_mib", "helm_runs"),
    ),
]
