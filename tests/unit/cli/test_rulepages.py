"""The page of every rule: it says what the table says, and its examples are what it says they are.

`ACCEPT=1 pytest tests/unit/cli/test_rulepages.py` writes heads and fixes of the pages anew, and their list.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from reconciler.cli import rulepages
from reconciler.cli.check import check
from reconciler.cli.main import cli
from reconciler.cli.problems import formatted
from reconciler.model.errors import UsageError
from reconciler.model.snapshot import Place, Problem
from reconciler.model.status import FleetStatus
from reconciler.render.inflations import inflations
from reconciler.render.render import render
from reconciler.scheduling.schedule import schedule
from reconciler.source.rules import RULES, Rule
from tests.repos import read_repo

TOP = Path(__file__).parents[3]
PAGES = TOP / "docs" / "rules"
BASE = TOP / "tests" / "golden" / "broken" / "base"
ACCEPT = bool(os.environ.get("ACCEPT"))
WRITTEN = sorted(path.stem for path in PAGES.glob("*.md") if path.stem != "README")
BLOCK = re.compile(r"^```\w*\n# (\S+)\n(.*?)^```$", re.M | re.S)

HEAD = """\
# Rules

What `reconciler check --explain RULE` says. [The fleet repo](../fleet-repo.md) has the rules by subject.
"""
NEWLINE = "\n"

every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)


@every_rule
def test_every_rule_has_a_page_that_fits_a_terminal(rule: Rule) -> None:
    told = click.unstyle(rulepages.shown(rule, 80))
    prose = [line for line in told.splitlines() if not line.startswith(" ")]
    assert max(map(len, prose)) <= 80
    assert "".join(rule.fix.replace("`", "").split()) in "".join(told.replace("'", "").split())
    assert "```" not in told


@pytest.mark.parametrize("name", WRITTEN)
def test_written_page_is_of_a_rule_and_says_what_the_table_says(name: str) -> None:
    path = PAGES / f"{name}.md"
    if ACCEPT and name in RULES:
        path.write_text(rulepages.page(RULES[name]))
    assert path.read_text() == rulepages.page(RULES[name])


def test_list_of_pages_names_every_written_page() -> None:
    rows = [f"- [{name}]({name}.md): {RULES[name].meaning}" for name in WRITTEN]
    told = f"{HEAD}\n{NEWLINE.join(rows)}\n"
    if ACCEPT:
        (PAGES / "README.md").write_text(told)
    assert (PAGES / "README.md").read_text() == told


def examples(name: str) -> tuple[Mapping[str, str], Mapping[str, str]] | None:
    """Files of the wrong and of the right example of a page, where it has them and they need no program outside."""
    wrong, _, right = rulepages.body(name).partition("\nRight:\n")
    return (dict(BLOCK.findall(wrong)), dict(BLOCK.findall(right))) if right else None


def rules_of(files: Mapping[str, str]) -> set[str]:
    """The rules that a repo breaks: the base of the broken repos with these files laid over it."""
    base = {path.relative_to(BASE).as_posix(): path.read_bytes() for path in BASE.rglob("*") if path.is_file()}
    snapshot, problems = read_repo({**base, **files})
    told = {problem.rule for problem in problems}
    if snapshot is None or snapshot.wanted:
        return told
    facts = {cluster: sourced.value for cluster, sourced in snapshot.clusters.items()}
    placed = schedule(snapshot, facts, FleetStatus("demo"))
    told |= {problem.rule for problem in placed.problems}
    if inflations(snapshot, placed, facts, {}):
        return told
    return told | {problem.rule for problem in render(snapshot, placed, facts).problems}


@pytest.mark.parametrize("name", [name for name in WRITTEN if examples(name)])
def test_wrong_example_breaks_the_rule_and_the_right_one_does_not(name: str) -> None:
    wrong, right = examples(name) or ({}, {})
    assert name in rules_of(wrong)
    assert name not in rules_of(right)


def test_unknown_rule_is_answered_with_the_nearest_ones() -> None:
    with pytest.raises(UsageError) as refused:
        rulepages.find("feed-emty")
    assert "feeds-empty" in refused.value.hint


def test_check_explains_a_rule_without_reading_anything(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nothing")
    told = CliRunner().invoke(check, [nowhere, "--explain", "feeds-empty"])
    assert told.exit_code == 0
    assert told.stdout.startswith("error[feeds-empty]\n")
    record = json.loads(CliRunner().invoke(check, ["--explain", "feeds-empty", "-o", "json"]).stdout)
    assert record["id"] == "feeds-empty"
    assert record["page"] == rulepages.page(RULES["feeds-empty"])


@pytest.mark.parametrize("words", [["--explain"], ["--explain", "all"]], ids=" ".join)
def test_check_lists_all_rules(words: list[str]) -> None:
    told = CliRunner().invoke(cli, ["check", *words]).stdout
    assert max(map(len, told.splitlines())) <= 80
    assert {line.split()[0] for line in told.splitlines() if not line.startswith(" ")} == {"RULE", *RULES}


def test_sarif_carries_the_page() -> None:
    problem = Problem(Place("a.yaml"), (), "feeds-empty", "this Subscription has no feeds", line=1, column=1)
    (rule,) = json.loads(formatted([problem], "sarif"))["runs"][0]["tool"]["driver"]["rules"]
    assert rule["help"]["markdown"] == rulepages.page(RULES["feeds-empty"])
