"""The bench measures what it says: children of children, the slowest of several, every contender in every round."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench import report
from bench.measure import Command, Sample, Unexpected, run
from bench.scenario import Contender, Goal, Prepared, Scenario, measure

BUSY = "import time\nwhile time.process_time() < 0.15: pass"


def test_cpu_of_a_child_counts_the_children_that_it_waited_for() -> None:
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}], check=True)"
    sample, _ = run(Command([sys.executable, "-c", nested]))
    assert sample.metrics["cpu_s"] >= 0.15


def test_programs_run_side_by_side() -> None:
    sample, ended = run(*(Command(["sleep", "0.2"]) for _ in range(4)))
    assert len(ended) == 4
    assert 0.2 <= sample.metrics["wall_s"] < 0.8


def test_program_that_fails_is_no_figure() -> None:
    with pytest.raises(Unexpected, match="exit code 3"):
        run(Command(["sh", "-c", "exit 3"]))


def fixed(figures: dict[str, list[float]], goals: list[Goal], order: list[str]) -> Scenario:
    """A scenario whose contenders answer these figures, one after the other, and note their turns."""

    @contextmanager
    def prepare() -> Iterator[Prepared]:
        def contender(name: str) -> Contender:
            left = iter(figures[name])

            def answer() -> Sample:
                order.append(name)
                return Sample({"wall_s": next(left)})

            return Contender(name, answer)

        yield Prepared([contender(name) for name in figures], goals)

    return Scenario("fixed", "Fixed", prepare, runs=3, warmup=1, metrics=("wall_s",))


def test_contenders_take_turns_and_the_order_turns_with_every_round() -> None:
    order: list[str] = []
    measure(fixed({"a": [1] * 4, "b": [1] * 4}, [], order))
    assert order == ["a", "b", "b", "a", "a", "b", "b", "a"]


def test_median_leaves_the_warm_up_out() -> None:
    result = measure(fixed({"a": [99, 1, 5, 2]}, [], []))
    spread = result.figures["a"]["wall_s"]
    assert (spread.median, spread.low, spread.high) == (2, 1, 5)


@pytest.mark.parametrize(
    ("goal", "value", "met"),
    [
        pytest.param(Goal("", "a", "wall_s", over="b", at_least=2), 2.0, True, id="twice as fast"),
        pytest.param(Goal("", "a", "wall_s", over="b", at_least=2.1), 2.0, False, id="not fast enough"),
        pytest.param(Goal("", "b", "wall_s", at_most=4), 4.0, True, id="within a bound"),
        pytest.param(Goal("", "b", "wall_s", at_most=3), 4.0, False, id="beyond a bound"),
    ],
)
def test_goal_compares_medians(goal: Goal, value: float, met: bool) -> None:
    (verdict,) = measure(fixed({"a": [2] * 4, "b": [4] * 4}, [goal], [])).verdicts
    assert (verdict.value, verdict.met) == (value, met)


def test_page_is_made_of_the_figures_that_were_kept(tmp_path: Path) -> None:
    result = measure(fixed({"a": [1] * 4}, [Goal("fast", "a", "wall_s", at_most=2)], []))
    report.keep(result, tmp_path)
    page = report.page_of_kept(["never measured", "fixed"], tmp_path)
    assert page == report.to_markdown([result])
    assert "| fast | ≤ 2.00 s | 1.00 s | yes |" in page
