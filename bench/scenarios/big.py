"""A thousand and ten thousand objects for each of three real children: first apply, changes, drift, memory.

Every figure is that of a whole `reconciler sync --once`; a look for drift finds nothing to do.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from bench import hundred
from bench.measure import Sample, run
from bench.scenario import Contender, Goal, Prepared, Scenario
from bench.world import Subject, World, world

KUBECTL = "kubectl apply --server-side, per child"
FIRST, ALL, ONE, DRIFT = (
    "sync --once: first apply",
    "sync --once: every object changed",
    "sync --once: one object changed",
    "sync --once --check-drift: nothing changed",
)


@contextmanager
def _thousand() -> Iterator[Prepared]:
    with world() as here:
        numbers = itertools.count(1)
        subject = _applied(here, 1000)

        def first() -> Sample:
            fresh = here.subject()
            return _commit(here, fresh, [0] * 1000)

        def everything() -> Sample:
            return _commit(here, subject, [next(numbers)] * 1000)

        def one() -> Sample:
            version = next(numbers)
            _commit(here, subject, [version] * 1000)
            return _commit(here, subject, [next(numbers), *[version] * 999])

        def kubectl() -> Sample:
            return run(*here.kubectl_apply("kubectl", [next(numbers)] * 1000))[0]

        yield Prepared(
            [
                Contender(FIRST, first),
                Contender(ALL, everything),
                Contender(ONE, one),
                Contender(DRIFT, _drift(here, subject)),
                Contender(KUBECTL, kubectl),
            ],
            [
                Goal(f"every object changed, times faster than {KUBECTL}", ALL, "wall_s", KUBECTL, at_least=1),
                Goal(f"one object changed, times faster than {KUBECTL}", ONE, "wall_s", KUBECTL, at_least=15),
                Goal("own CPU of a look for drift (s, start-up included)", DRIFT, "cpu_s", at_most=1),
            ],
        )


@contextmanager
def _ten_thousand() -> Iterator[Prepared]:
    with world() as here:
        subject = here.subject()
        numbers = itertools.count()

        def everything() -> Sample:
            return _commit(here, subject, [next(numbers)] * 10_000)

        yield Prepared(
            [Contender(ALL, everything), Contender(DRIFT, _drift(here, subject))],
            [
                Goal("memory of applying 10 000 objects x 3 (MiB)", ALL, "rss_mib", at_most=300),
                Goal("memory of a look for drift (MiB)", DRIFT, "rss_mib", at_most=300),
            ],
        )


def _applied(here: World, count: int) -> Subject:
    subject = here.subject()
    _commit(here, subject, [0] * count)
    return subject


def _commit(here: World, subject: Subject, versions: list[int]) -> Sample:
    bodies = [hundred.namespace_of(subject.name), *hundred.objects(subject.name, versions)]
    files = {"objects.yaml": bodies, "subscription.yaml": [hundred.subscription(bodies)]}
    subject.repo.commit({name: hundred.manifest(some) for name, some in files.items()})
    return run(here.sync(subject, "--once"))[0]


def _drift(here: World, subject: Subject) -> Callable[[], Sample]:
    return lambda: run(here.sync(subject, "--once", "--check-drift"))[0]


_scenario = partial(Scenario, warmup=0)
SCENARIOS = (
    _scenario("big", "1000 objects x 3 clusters", _thousand, runs=3),
    _scenario("big-memory", "10 000 objects x 3 clusters: memory", _ten_thousand, runs=1),
)
