"""Results as JSON and as Markdown, with the machine they were measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from bench.scenario import Goal, Result, Spread

_HEADINGS = {
    "wall_s": "wall",
    "lag_s": "lag",
    "greatest_lag_s": "greatest lag",
    "cpu_s": "CPU",
    "rss_mib": "peak memory",
    "writes": "writes",
    "apply_s": "first write to last answer",
}


class Kept(msgspec.Struct):
    """The latest figures of one scenario, and where they were measured."""

    machine: str
    result: Result


def machine() -> str:
    """Cores, memory and Python; nothing that says whose machine it is."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, {python}"


def to_json(results: Sequence[Result]) -> str:
    """All figures, unrounded."""
    return _indented([Kept(machine(), result) for result in results])


def to_markdown(results: Sequence[Result]) -> str:
    """For each scenario a table of figures and one of goals."""
    return _page([Kept(machine(), result) for result in results])


def keep(result: Result, directory: Path) -> None:
    """Remember the latest figures of a scenario."""
    directory.mkdir(exist_ok=True)
    (directory / f"{result.name}.json").write_text(_indented(Kept(machine(), result)))


def page_of_kept(names: Iterable[str], directory: Path) -> str:
    """The page of the latest figures of these scenarios, in this order; those never measured are left out."""
    files = [directory / f"{name}.json" for name in names]
    return _page([msgspec.json.decode(file.read_bytes(), type=Kept) for file in files if file.exists()])


def _indented(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def _page(kept: Sequence[Kept]) -> str:
    machines = sorted({one.machine for one in kept})
    parts = ["# Measured", ""]
    if len(machines) == 1:
        parts += [f"{machines[0]}.", ""]
    parts += ["Median (least - greatest). The contenders of a scenario ran interleaved, in one run.", ""]
    for one in kept:
        result, where = one.result, f" {one.machine}." if len(machines) > 1 else ""
        parts += [f"## {result.title}", "", f"`python -m bench {result.name}`, {result.runs} runs.{where}", ""]
        parts += [*_table(result), "", *_goals(result), ""]
    return "\n".join(parts).rstrip() + "\n"


def _table(result: Result) -> list[str]:
    metrics = [m for m in result.metrics if any(m in figures for figures in result.figures.values())]
    heading = " | ".join(_HEADINGS.get(m, m) for m in metrics)
    rows = [f"| | {heading} |", "|---" * (len(metrics) + 1) + "|"]
    for name, figures in result.figures.items():
        cells = " | ".join(_cell(m, figures[m]) if m in figures else "-" for m in metrics)
        rows.append(f"| {name} | {cells} |")
    return rows


def _goals(result: Result) -> list[str]:
    rows = [
        f"| {v.goal.text} | {_bound(v.goal)} | {_value(v.goal, v.value)} | {'yes' if v.met else 'no'} |"
        for v in result.verdicts
    ]
    return ["| goal | bound | measured | met |", "|---|---|---|---|", *rows] if rows else []


def _bound(goal: Goal) -> str:
    sign, bound = ("≥", goal.at_least) if goal.at_least is not None else ("≤", goal.at_most)
    return f"{sign} {_value(goal, bound or 0)}"


def _value(goal: Goal, value: float) -> str:
    return f"{value:.2f}x" if goal.over else _text(goal.metric, value)


def _cell(metric: str, spread: Spread) -> str:
    if spread.low == spread.high:
        return _text(metric, spread.median)
    return f"{_text(metric, spread.median)} ({_text(metric, spread.low)} - {_text(metric, spread.high)})"


def _text(metric: str, value: float) -> str:
    if metric.endswith("_s"):
        return f"{value:.2f} s"
    return f"{value:.0f} MiB" if metric.endswith("_mib") else f"{value:.0f}"
