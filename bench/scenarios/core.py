"""Read, schedule and render 1000 clusters x 100 feeds with overrides, in a process of its own on one core."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.measure import Command, Sample, Unexpected, run
from bench.scenario import Contender, Goal, Prepared, Scenario

TOP = Path(__file__).resolve().parents[2]
LARGE, SMALL = "1000 clusters", "100 clusters"


def _alone(*arguments: str) -> Sample:
    """Figures of `bench.alone`, which measures the work without the interpreter's start."""
    _, (ended,) = run(Command([sys.executable, "-m", "bench.alone", *arguments], cwd=TOP))
    try:
        return Sample(json.loads(ended.stdout))
    except ValueError as error:
        raise Unexpected(f"bench.alone printed no figures: {ended.stdout!r}") from error


@contextmanager
def story() -> Iterator[Prepared]:
    """The three pure rooms, cold: no parsed file is remembered."""
    yield Prepared(
        [
            Contender(LARGE, partial(_alone, "1000", "100")),
            Contender(SMALL, partial(_alone, "100", "100")),
        ],
        [
            Goal(f"{LARGE}: CPU of read, schedule and render", LARGE, "cpu_s", at_most=3),
            Goal(f"{LARGE}: peak memory", LARGE, "rss_mib", at_most=500),
        ],
    )


@contextmanager
def warm() -> Iterator[Prepared]:
    """The three pure rooms where files are remembered, with a Localization in every cluster."""
    sizes = {"100 clusters": "100", "1000 clusters": "1000", "10 000 clusters": "10000"}
    yield Prepared(
        [Contender(name, partial(_alone, size, "100", "warm")) for name, size in sizes.items()],
        [
            Goal("1000 clusters: seconds", "1000 clusters", "wall_s", at_most=2),
            Goal("1000 clusters: peak memory", "1000 clusters", "rss_mib", at_most=500),
            Goal("10 000 clusters: seconds", "10 000 clusters", "wall_s", at_most=10),
            Goal("10 000 clusters: peak memory", "10 000 clusters", "rss_mib", at_most=2048),
        ],
    )


SCENARIOS = [
    Scenario("core", "Read, schedule and render 1000 clusters x 100 feeds with overrides", story),
    Scenario("warm", "The same from remembered files, with a Localization in every cluster", warm, runs=3),
]
