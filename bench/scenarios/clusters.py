"""A hundred and a thousand objects to each of three real children: first apply, change of all, change of one.

`apply_s` is the time from the first write to the last answer; the commands include start-up and status.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from bench import workload
from bench.measure import Command, Sample, run
from bench.scenario import Contender, Goal, Prepared, Scenario
from bench.watched import Arrival
from bench.world import World, world

Versions = Callable[[int, int], Sequence[int]]
"""The versions of the objects in the n-th round, given n and how many they are."""

ENGINE, BARE = "the delivery alone", "bare server-side apply"
SYNC, STAYING = "reconciler sync --once", "reconciler sync, running: push to change on all"
KUBECTL = "kubectl apply --server-side, per child"
RATE = Goal("rate of the delivery, of that of bare server-side apply", ENGINE, "apply_s", BARE, at_least=0.8)


@contextmanager
def first_apply(count: int) -> Iterator[Prepared]:
    """Every run has a namespace, a repo and a cache of its own."""
    with world() as here:
        numbers, versions = itertools.count(), workload.same(0, count)

        def sync() -> Sample:
            return run(here.sync(here.subject(count), "--once"))[0]

        def kubectl() -> Sample:
            return run(*here.kubectl_apply(f"kubectl-{next(numbers)}", versions))[0]

        def engine() -> Sample:
            return _timed(here.engine(here.subject(count)))

        def bare() -> Sample:
            return _timed(here.bare(f"bare-{next(numbers)}", versions))

        contenders = [(SYNC, sync), (KUBECTL, kubectl), (ENGINE, engine), (BARE, bare)]
        yield Prepared([Contender(*one) for one in contenders], [*_whole_command(1), RATE], here.settle)


@contextmanager
def change_all(count: int) -> Iterator[Prepared]:
    """Every run changes all objects that the run before it has applied."""
    with world() as here:
        yield Prepared(
            [
                Contender(SYNC, _sync(here, count, workload.same)),
                Contender(KUBECTL, _kubectl(here, count, workload.same)),
                Contender(ENGINE, _engine(here, count)),
                Contender(BARE, _bare(here, count)),
            ],
            [*_whole_command(1), RATE],
            here.settle,
        )


@contextmanager
def change_one(count: int, whole: float, running: float) -> Iterator[Prepared]:
    """Every run changes one object; beside the commands a `sync` that stays. How many times faster each shall be."""
    with world() as here, _staying(here, count) as staying:
        yield Prepared(
            [
                Contender(SYNC, _sync(here, count, workload.one)),
                Contender(STAYING, staying),
                Contender(KUBECTL, _kubectl(here, count, workload.one)),
            ],
            [
                *_whole_command(whole),
                Goal(f"running sync, times faster than {KUBECTL}", STAYING, "wall_s", KUBECTL, at_least=running),
            ],
            here.settle,
        )


@contextmanager
def _staying(here: World, count: int) -> Iterator[Callable[[], Sample]]:
    """A `sync` that follows its repo; measured from the end of the push to when all children show the change."""
    subject, numbers = here.subject(count), itertools.count(1)
    run(here.sync(subject, "--once"))
    command = here.sync(subject, "--quiet")
    path = f"/api/v1/namespaces/{subject.name}/configmaps/thing-000"
    process = subprocess.Popen(list(command.argv), env={**os.environ, **command.env}, cwd=command.cwd)

    def change() -> Sample:
        version = next(numbers)
        arrival = Arrival(here.fleet.children, path, str(version))
        subject.commit(workload.one(version, count))
        pushed = time.perf_counter()
        return Sample({"wall_s": arrival.last() - pushed})

    try:
        yield change
    finally:
        process.terminate()
        process.wait()


def _sync(here: World, count: int, versions: Versions) -> Callable[[], Sample]:
    subject, numbers = here.subject(count), itertools.count(1)
    run(here.sync(subject, "--once"))

    def sync() -> Sample:
        subject.commit(versions(next(numbers), count))
        return run(here.sync(subject, "--once"))[0]

    return sync


def _kubectl(here: World, count: int, versions: Versions) -> Callable[[], Sample]:
    numbers = itertools.count(1)
    run(*here.kubectl_apply("kubectl", workload.same(0, count)))
    return lambda: run(*here.kubectl_apply("kubectl", versions(next(numbers), count)))[0]


def _engine(here: World, count: int) -> Callable[[], Sample]:
    subject, numbers = here.subject(count), itertools.count(1)
    run(here.engine(subject))

    def engine() -> Sample:
        subject.edit(workload.same(next(numbers), count))
        return _timed(here.engine(subject))

    return engine


def _bare(here: World, count: int) -> Callable[[], Sample]:
    numbers = itertools.count(1)
    run(here.bare("bare", workload.same(0, count)))
    return lambda: _timed(here.bare("bare", workload.same(next(numbers), count)))


def _timed(command: Command) -> Sample:
    """The time that the command prints, instead of that of its whole process."""
    sample, (ended,) = run(command)
    return Sample({"apply_s": float(ended.stdout), "rss_mib": sample.metrics["rss_mib"]})


def _whole_command(factor: float) -> list[Goal]:
    return [
        Goal(f"whole command, times faster than {KUBECTL}", SYNC, "wall_s", KUBECTL, at_least=factor),
        Goal("CPU of kubectl per CPU of the whole command", SYNC, "cpu_s", KUBECTL, at_least=1),
    ]


METRICS = ("wall_s", "cpu_s", "apply_s", "rss_mib")
_FEW, _MANY = "100 objects to each of three children", "1000 objects to each of three children"
_scenario = partial(Scenario, metrics=METRICS)
SCENARIOS = [
    _scenario("first-apply", f"{_FEW}: first apply", partial(first_apply, 100)),
    _scenario("change-all", f"{_FEW}: change of all", partial(change_all, 100), runs=7),
    Scenario("change-one", f"{_FEW}: change of one", partial(change_one, 100, 3, 10), runs=7),
    _scenario("first-apply-1000", f"{_MANY}: first apply", partial(first_apply, 1000), runs=3, warmup=0),
    _scenario("change-all-1000", f"{_MANY}: change of all", partial(change_all, 1000), runs=3, warmup=0),
    Scenario("change-one-1000", f"{_MANY}: change of one", partial(change_one, 1000, 15, 50), runs=3),
]
