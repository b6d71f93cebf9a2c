"""What a scenario is, and how its contenders are run: warm-up, then rounds in which every contender has its turn."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from bench.measure import Sample
from bench.progress import say


@dataclass(frozen=True)
class Contender:
    """One way of doing the scenario's work. `run` prepares what it needs outside of what it measures."""

    name: str
    run: Callable[[], Sample]


@dataclass(frozen=True)
class Goal:
    """A bound. Without `over`: the median of `metric` of `of`. With it: how many times as much `over` needs.

    A ratio above 1 means that `of` is the better one, so goals on ratios are lower bounds (`at_least`).
    """

    text: str
    of: str
    metric: str
    over: str | None = None
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class Prepared:
    """A scenario that is ready to run. `settle` waits for whatever a contender leaves others to do."""

    contenders: Sequence[Contender]
    goals: Sequence[Goal] = ()
    settle: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Scenario:
    """Named work. `prepare` builds its world and takes it down again; `runs` fits its cost."""

    name: str
    title: str
    prepare: Callable[[], AbstractContextManager[Prepared]]
    runs: int = 5
    warmup: int = 1
    metrics: tuple[str, ...] = ("wall_s", "cpu_s", "rss_mib")


@dataclass(frozen=True)
class Spread:
    """Median, least and greatest of the runs."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Verdict:
    """A goal and what came out."""

    goal: Goal
    value: float
    met: bool


@dataclass(frozen=True)
class Result:
    """All figures of one scenario: by contender, by metric."""

    name: str
    title: str
    runs: int
    figures: Mapping[str, Mapping[str, Spread]]
    verdicts: Sequence[Verdict]
    metrics: tuple[str, ...]


def measure(scenario: Scenario, runs: int | None = None) -> Result:
    """Run a scenario: `warmup` rounds that do not count, then `runs` that do. The order turns with every round."""
    rounds = runs or scenario.runs
    samples: dict[str, list[Sample]] = {}
    with scenario.prepare() as ready:
        for turn in range(scenario.warmup + rounds):
            first = turn % len(ready.contenders)
            for contender in (*ready.contenders[first:], *ready.contenders[:first]):
                ready.settle()
                sample = contender.run()
                counts = turn >= scenario.warmup
                said = " ".join(f"{metric}={value:.3f}" for metric, value in sample.metrics.items())
                say(f"{scenario.name}: {contender.name}: {said}{'' if counts else ' (warm-up)'}")
                if counts:
                    samples.setdefault(contender.name, []).append(sample)
    figures = {contender.name: _spreads(samples[contender.name]) for contender in ready.contenders}
    verdicts = tuple(_judge(goal, figures) for goal in ready.goals)
    return Result(scenario.name, scenario.title, rounds, figures, verdicts, scenario.metrics)


def _spreads(samples: Sequence[Sample]) -> dict[str, Spread]:
    by_metric: dict[str, list[float]] = {}
    for sample in samples:
        for metric, value in sample.metrics.items():
            by_metric.setdefault(metric, []).append(value)
    return {metric: Spread(statistics.median(v), min(v), max(v)) for metric, v in by_metric.items()}


def _judge(goal: Goal, figures: Mapping[str, Mapping[str, Spread]]) -> Verdict:
    value = figures[goal.of][goal.metric].median
    if goal.over is not None:
        value = figures[goal.over][goal.metric].median / value if value else float("inf")
    low_enough = goal.at_most is None or value <= goal.at_most
    high_enough = goal.at_least is None or value >= goal.at_least
    return Verdict(goal, value, low_enough and high_enough)
