"""Scheduling alone, in a process of its own on one core: dividing by room, and Replication over many clusters."""

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
MODES = {
    "first division": "first",
    "the same again": "again",
    "twice the replicas": "grow",
    "Replication, 10 000 clusters x 100": "replication",
}


def _alone(mode: str) -> Sample:
    """Figures of `bench.dividing`, which measures the call without making its arguments."""
    _, (ended,) = run(Command([sys.executable, "-m", "bench.dividing", mode], cwd=TOP))
    try:
        return Sample(json.loads(ended.stdout))
    except ValueError as error:
        raise Unexpected(f"bench.dividing printed no figures: {ended.stdout!r}") from error


@contextmanager
def divide() -> Iterator[Prepared]:
    """Every mode in its turn."""
    dynamic = [name for name, mode in MODES.items() if mode != "replication"]
    yield Prepared(
        [Contender(name, partial(_alone, mode)) for name, mode in MODES.items()],
        [Goal(f"{name}: seconds of CPU", name, "cpu_s", at_most=5) for name in dynamic],
    )


SCENARIOS = [Scenario("divide", "Divide 1000 Subscriptions by room over 1000 clusters", divide, runs=3)]
