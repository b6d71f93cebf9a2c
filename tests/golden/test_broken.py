"""Broken fleet repos: the exact words that their authors get, and that nothing of them could ever be deleted.

Each folder of `broken/` is laid over `broken/base`; `without.txt` names files that are left out. What programs answer
stands in `builds.json` (kustomize, by directory), `charts.json` (helm, by name of the chart) and `templates.json`
(jinja2, by path; without it, the real worker answers). `problems.txt` holds what `check` prints, then the Subscriptions
that are held. `ACCEPT=1 pytest tests/golden/test_broken.py` writes them.
"""

import asyncio
import os
from functools import cache
from pathlib import Path

import msgspec
import pytest

from reconciler.cli.problems import text
from reconciler.model.clusters import ClusterFacts
from reconciler.model.feed import Feeds
from reconciler.model.inflation import (
    Answer,
    Built,
    ChartAnswer,
    ChartRender,
    TemplateAnswer,
    TemplateRender,
    Wanted,
)
from reconciler.model.placement import Schedule
from reconciler.model.snapshot import Problem, Severity, Snapshot
from reconciler.model.status import FleetStatus
from reconciler.render.inflations import inflations
from reconciler.render.render import render
from reconciler.scheduling.schedule import schedule
from reconciler.source.locate import locate
from reconciler.source.rules import RULES
from reconciler.sync import ordering
from reconciler.sync.templating import filled
from tests.repos import read_repo

BROKEN = Path(__file__).parent / "broken"
BASE = BROKEN / "base"
CASES = sorted(folder.name for folder in BROKEN.iterdir() if folder != BASE)
ACCEPT = bool(os.environ.get("ACCEPT"))


def _files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _links(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): "symbolic link" for path in folder.rglob("*") if path.is_symlink()}


@cache
def _read(case: str) -> tuple[Snapshot | None, tuple[Problem, ...]]:
    files = _files(BASE) | _files(BROKEN / case)
    files.pop("problems.txt", None)
    for path in files.pop("without.txt", b"").decode().split():
        del files[path]
    builds = msgspec.json.decode(files.pop("builds.json", b"{}"), type=dict[str, Built])
    for name in _ANSWERS:
        files.pop(name, None)
    links = _links(BROKEN / case)
    snapshot, problems = read_repo({path: files[path] for path in files.keys() - links.keys()}, links, builds)
    if snapshot is None:
        return None, problems
    feeds = _feeds(case, snapshot)
    later = (*_schedule(snapshot).problems, *feeds.problems, *ordering.problems(snapshot, feeds))
    return snapshot, locate((*problems, *later), files)


def _facts(snapshot: Snapshot) -> dict[str, ClusterFacts]:
    return {cluster: sourced.value for cluster, sourced in snapshot.clusters.items()}


def _schedule(snapshot: Snapshot) -> Schedule:
    return schedule(snapshot, _facts(snapshot), FleetStatus(snapshot.settings.fleet))


def _held(problems: tuple[Problem, ...]) -> set[str]:
    return {name for problem in problems if problem.severity is Severity.ERROR for name in problem.concerns}


_ANSWERS: dict[str, type] = {"charts.json": ChartAnswer, "templates.json": TemplateAnswer}


def _answers(case: str, wanted: tuple[Wanted, ...]) -> dict[Wanted, Answer]:
    """What programs answer in a case; a question without an answer is left open."""
    found: dict[str, Answer] = {}
    for name, sort in _ANSWERS.items():
        file = BROKEN / case / name
        found |= msgspec.json.decode(file.read_bytes(), type=dict[str, sort]) if file.exists() else {}  # type: ignore[valid-type]
    names = {one: one.chart.name if isinstance(one, ChartRender) else one.path for one in wanted}
    templates = tuple(one for one in wanted if isinstance(one, TemplateRender) and one.path not in found)
    return {one: found[name] for one, name in names.items() if name in found} | _filled(templates)


@cache
def _filled(wanted: tuple[TemplateRender, ...]) -> dict[Wanted, Answer]:
    """What the real worker answers."""
    return {**asyncio.run(filled(None, None, wanted))} if wanted else {}  # type: ignore[arg-type]


def _feeds(case: str, snapshot: Snapshot) -> Feeds:
    placed, facts = _schedule(snapshot), _facts(snapshot)
    answers: dict[Wanted, Answer] = {}
    while fresh := _answers(case, inflations(snapshot, placed, facts, answers)):
        answers |= fresh
    return render(snapshot, placed, facts, answers)


@pytest.mark.parametrize("case", CASES)
def test_author_reads_exactly_these_words(case: str) -> None:
    _, problems = _read(case)
    held = _held(problems)
    told = text(problems) + "\n" + (f"\nheld: {', '.join(sorted(held))}\n" if held else "")
    golden = BROKEN / case / "problems.txt"
    if ACCEPT:
        golden.write_text(told)
    assert told == golden.read_text()


@pytest.mark.parametrize("case", CASES)
def test_every_problem_has_a_position_and_a_way_out(case: str) -> None:
    _, problems = _read(case)
    assert problems
    for problem in problems:
        assert problem.hint
        assert problem.line > 0
        assert problem.column > 0


def _unscheduled(snapshot: Snapshot) -> frozenset[str]:
    """Subscriptions that scheduling or reading holds: they keep what they have."""
    return frozenset(snapshot.subscriptions.keys() - _schedule(snapshot).subscriptions.keys())


def _placed_nowhere(snapshot: Snapshot) -> frozenset[str]:
    """Subscriptions that no cluster fits: whether that deletes is asked first, by the guard of the planner."""
    return frozenset(name for name, found in _schedule(snapshot).subscriptions.items() if not found.placements)


@pytest.mark.parametrize("case", CASES)
def test_nothing_of_a_broken_repo_would_be_deleted(case: str) -> None:
    """An object of the whole repo is still delivered, or its unit is held because the repo is not clean."""
    before, snapshot = _read("base")[0], _read(case)[0]
    assert before is not None
    if snapshot is None:
        return  # without settings nothing runs at all
    after = _feeds(case, snapshot)
    for unit, feed in _feeds("base", before).units.items():
        if unit in after.units:
            assert {found.key for found in feed.objects} <= {found.key for found in after.units[unit].objects}
        else:
            held = after.broken | _unscheduled(snapshot) | _placed_nowhere(snapshot)
            assert not snapshot.clean or unit.subscription in held


@pytest.mark.parametrize("case", CASES)
def test_held_subscription_is_not_scheduled(case: str) -> None:
    snapshot, _ = _read(case)
    if snapshot is not None:
        assert not _held(snapshot.problems) & _schedule(snapshot).subscriptions.keys()


def test_base_of_the_broken_repos_is_whole() -> None:
    snapshot, problems = _read("base")
    assert snapshot is not None
    assert problems == ()
    assert len(_feeds("base", snapshot).units) == 5


def test_every_rule_is_shown_by_a_broken_repo() -> None:
    told = {problem.rule for case in CASES for problem in _read(case)[1]}
    assert set(RULES) - told == set()
    assert len(CASES) >= 30
