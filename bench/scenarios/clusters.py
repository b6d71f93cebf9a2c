"""A hundred objects to each of three real children: first apply, change of all, change of one.

`apply_s` is the time from the first write to the last answer; the commands include start-up and status.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from bench import hundred
from bench.measure import Command, Sample, run
from bench.scenario import Contender, Goal, Prepared, Scenario
from bench.watched import Arrival
from bench.world import World, world

Versions = Callable[[int], Sequence[int]]
"""The versions of the hundred objects in the n-th round."""

ENGINE, BARE = "the delivery alone", "bare server-side apply"
SYNC, STAYING = "reconciler sync --once", "reconciler sync, running: push to change on all"
KUBECTL = "kubectl apply --server-side, per child"
RATE = Goal("rate of the delivery, of that of bare server-side apply", ENGINE, "apply_s", BARE, at_least=0.7)


def _one(version: int) -> list[int]:
    """Only one object changes."""
    return [version, *hundred.same(0)[1:]]


@contextmanager
def first_apply() -> Iterator[Prepared]:
    """Every run has a namespace, a repo and a cache of its own."""
    with world() as here:
        numbers = itertools.count()

        def sync() -> Sample:
            return run(here.sync(here.subject(), "--once"))[0]

        def kubectl() -> Sample:
            return run(*here.kubectl_apply(f"kubectl-{next(numbers)}", hundred.same(0)))[0]

        def engine() -> Sample:
            return _timed(here.engine(here.subject()))

        def bare() -> Sample:
            return _timed(here.bare(f"bare-{next(numbers)}", hundred.same(0)))

        contenders = [(SYNC, sync), (KUBECTL, kubectl), (ENGINE, engine), (BARE, bare)]
        yield Prepared([Contender(*one) for one in contenders], [*_whole_command(1), RATE])


@contextmanager
def change_all() -> Iterator[Prepared]:
    """Every run changes all objects that the run before it has applied."""
    with world() as here:
        yield Prepared(
            [
                Contender(SYNC, _sync(here, hundred.same)),
                Contender(KUBECTL, _kubectl(here, hundred.same)),
                Contender(ENGINE, _engine(here)),
                Contender(BARE, _bare(here)),
            ],
            [*_whole_command(1), RATE],
        )


@contextmanager
def change_one() -> Iterator[Prepared]:
    """Every run changes one object of a hundred; beside the commands a `sync` that stays."""
    with world() as here, _staying(here) as staying:
        yield Prepared(
            [
                Contender(SYNC, _sync(here, _one)),
                Contender(STAYING, staying),
                Contender(KUBECTL, _kubectl(here, _one)),
            ],
            [
                *_whole_command(2),
                Goal(f"running sync, times faster than {KUBECTL}", STAYING, "wall_s", KUBECTL, at_least=5),
            ],
        )


@contextmanager
def _staying(here: World) -> Iterator[Callable[[], Sample]]:
    """A `sync` that follows its repo; measured from the end of the push to when all children show the change."""
    subject, numbers = here.subject(), itertools.count(1)
    run(here.sync(subject, "--once"))
    command = here.sync(subject, "--quiet")
    path = f"/api/v1/namespaces/{subject.name}/configmaps/thing-000"
    process = subprocess.Popen(list(command.argv), env={**os.environ, **command.env}, cwd=command.cwd)

    def change() -> Sample:
        version = next(numbers)
        arrival = Arrival(here.fleet.children, path, str(version))
        subject.commit(_one(version))
        pushed = time.perf_counter()
        return Sample({"wall_s": arrival.last() - pushed})

    try:
        yield change
    finally:
        process.terminate()
        process.wait()


def _sync(here: World, versions: Versions) -> Callable[[], Sample]:
    subject, numbers = here.subject(), itertools.count(1)
    run(here.sync(subject, "--once"))

    def sync() -> Sample:
        subject.commit(versions(next(numbers)))
        return run(here.sync(subject, "--once"))[0]

    return sync


def _kubectl(here: World, versions: Versions) -> Callable[[], Sample]:
    numbers = itertools.count(1)
    run(*here.kubectl_apply("kubectl", hundred.same(0)))
    return lambda: run(*here.kubectl_apply("kubectl", versions(next(numbers))))[0]


def _engine(here: World) -> Callable[[], Sample]:
    subject, numbers = here.subject(), itertools.count(1)
    run(here.engine(subject))

    def engine() -> Sample:
        subject.edit(hundred.same(next(numbers)))
        return _timed(here.engine(subject))

    return engine


def _bare(here: World) -> Callable[[], Sample]:
    numbers = itertools.count(1)
    run(here.bare("bare", hundred.same(0)))
    return lambda: _timed(here.bare("bare", hundred.same(next(numbers))))


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
SCENARIOS = [
    Scenario("first-apply", "100 objects to each of three children: first apply", first_apply, metrics=METRICS),
    Scenario("change-all", "100 objects to each of three children: change of all", change_all, runs=7, metrics=METRICS),
    Scenario("change-one", "100 objects to each of three children: change of one", change_one, runs=7),
]
