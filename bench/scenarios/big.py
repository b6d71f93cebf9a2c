"""A look for drift at a thousand objects on each of three real children, and the memory that ten thousand take.

Every figure is that of a whole `reconciler sync --once`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench import workload
from bench.measure import Sample, run
from bench.scenario import Contender, Goal, Prepared, Scenario
from bench.world import Subject, World, world

ALL, DRIFT = "sync --once: every object changed", "sync --once --check-drift: nothing changed"


@contextmanager
def drift() -> Iterator[Prepared]:
    """Every run looks at everything and finds nothing to do."""
    with world() as here:
        subject = here.subject(1000)
        run(here.sync(subject, "--once"))
        goal = Goal("own CPU of a look for drift (s, start-up included)", DRIFT, "cpu_s", at_most=1)
        yield Prepared([Contender(DRIFT, _drift(here, subject))], [goal], here.settle)


@contextmanager
def memory() -> Iterator[Prepared]:
    """Every run changes all objects, and looks at them."""
    with world() as here:
        subject, numbers = here.subject(10_000), itertools.count(1)

        def everything() -> Sample:
            subject.commit(workload.same(next(numbers), subject.count))
            return run(here.sync(subject, "--once"))[0]

        yield Prepared(
            [Contender(ALL, everything), Contender(DRIFT, _drift(here, subject))],
            [
                Goal("memory of applying 10 000 objects x 3 (MiB)", ALL, "rss_mib", at_most=300),
                Goal("memory of a look for drift (MiB)", DRIFT, "rss_mib", at_most=300),
            ],
        )


def _drift(here: World, subject: Subject) -> Callable[[], Sample]:
    return lambda: run(here.sync(subject, "--once", "--check-drift"))[0]


SCENARIOS = (
    Scenario("drift", "1000 objects on each of three children: a look for drift", drift),
    Scenario("memory", "10 000 objects to each of three children: memory", memory, runs=1, warmup=0),
)
