"""Three hundred Deployments becoming ready: how long after a bare watch our wait notices each of them.

`lag_s` is the median over the Deployments of one run, `greatest_lag_s` that of the last one noticed.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.measure import Command, Sample, run
from bench.scenario import Contender, Goal, Prepared, Scenario
from bench.world import TOP, world

COUNT = 300
OURS = "our wait, behind a bare watch in the same process"


@contextmanager
def noticing() -> Iterator[Prepared]:
    """Every run has a namespace of its own."""
    with world() as here:
        child, numbers = here.fleet.children[0], itertools.count()

        def ours() -> Sample:
            given = [str(child.kubeconfig), child.context, f"health-{next(numbers)}", str(COUNT)]
            _, (ended,) = run(Command([sys.executable, "-m", "bench.noticing", *given], cwd=TOP))
            return Sample(json.loads(ended.stdout))

        goal = Goal(f"{COUNT} Deployments: median lag in seconds behind a bare watch", OURS, "lag_s", at_most=0.2)
        yield Prepared([Contender(OURS, ours)], [goal])


SCENARIOS = [
    Scenario("health", f"{COUNT} Deployments becoming ready", noticing, runs=5, metrics=("lag_s", "greatest_lag_s"))
]
