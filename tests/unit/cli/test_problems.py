"""Problems as text, JSON, SARIF and annotations."""

import json
import shutil
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from reconciler.cli import problems as printing
from reconciler.cli.schema import files, schema
from reconciler.model.snapshot import Place, Problem, Severity

ERROR = Problem(
    Place("apps/web 1.yaml", 1),
    ("spec", "feeds", 0),
    "feed-not-found",
    "Deployment.apps web/wbe is not in the repo: 100% of it,\nreally",
    "Did you mean Deployment.apps web/web?",
    line=12,
    column=5,
    concerns=("fleet/web",),
)
WARNING = Problem(
    Place("a.yaml"), (), "yaml-boolean", "unquoted yes is true", severity=Severity.WARNING, line=3, column=1
)
NOWHERE = Problem(Place("b.yaml"), (), "some-other-rule", "nobody looked")


def test_text_is_one_line_per_problem_and_its_hint() -> None:
    assert printing.text([WARNING, NOWHERE]) == (
        "a.yaml:3:1: warning[yaml-boolean]: unquoted yes is true\nb.yaml: error[some-other-rule]: nobody looked"
    )
    assert printing.text([ERROR]).splitlines()[-1] == "    Did you mean Deployment.apps web/web?"


def test_text_for_a_terminal_is_coloured_and_fits_it() -> None:
    told = printing.text([ERROR], columns=60)
    assert click.unstyle(told) != told
    assert max(map(len, click.unstyle(told).splitlines())) <= 60
    assert "".join(click.unstyle(told).split()) == "".join(printing.text([ERROR]).split())


def test_problem_that_two_rooms_found_is_told_once_and_in_order() -> None:
    assert printing.distinct([ERROR, WARNING, ERROR]) == [WARNING, ERROR]


def test_a_screen_shows_a_few_warnings_of_each_rule_and_every_error() -> None:
    place = Place("a.yaml")
    warnings = [Problem(place, (), "override-lenient", "a", severity=Severity.WARNING, line=n) for n in range(1, 9)]
    errors = [Problem(place, (), "feeds-empty", "b", line=n) for n in range(10, 19)]
    shown, told = printing.folded([*warnings, *errors])
    assert [problem.line for problem in shown] == [1, 2, 3, 4, 5, *range(10, 19)]
    assert told == "… 3 more override-lenient (a pipe or -o json lists all)\n"


def test_nothing_is_printed_where_there_is_no_problem() -> None:
    assert printing.formatted([], "text") == ""
    assert json.loads(printing.formatted([], "json")) == []
    assert json.loads(printing.formatted([], "sarif"))["runs"][0]["results"] == []


def test_json_holds_every_part_of_a_problem() -> None:
    assert json.loads(printing.formatted([ERROR], "json")) == [
        {
            "rule": "feed-not-found",
            "severity": "error",
            "file": "apps/web 1.yaml",
            "line": 12,
            "column": 5,
            "document": 1,
            "item": None,
            "field": ["spec", "feeds", 0],
            "message": ERROR.message,
            "hint": ERROR.hint,
            "subscriptions": ["fleet/web"],
        }
    ]


def test_github_annotation_is_escaped() -> None:
    assert printing.formatted([ERROR], "github") == (
        "::error file=apps/web 1.yaml,line=12,col=5,title=feed-not-found::Deployment.apps web/wbe is not in the repo: "
        "100%25 of it,%0Areally%0ADid you mean Deployment.apps web/web?"
    )
    odd = Problem(Place("a,b:c%.yaml"), (), "r", "m", severity=Severity.WARNING)
    assert printing.github([odd]) == "::warning file=a%2Cb%3Ac%25.yaml,title=r::m"


def _required(value: Any, *names: str) -> None:
    assert isinstance(value, dict)
    assert set(names) <= value.keys()


def test_sarif_has_the_structure_of_2_1_0() -> None:
    """The members that the standard requires, and those that code hosts read (SARIF 2.1.0 §3.13 to §3.30)."""
    log = json.loads(printing.formatted([ERROR, WARNING, NOWHERE], "sarif"))
    _required(log, "version", "runs", "$schema")
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    _required(driver, "name", "version", "rules")
    ids = [rule["id"] for rule in driver["rules"]]
    assert ids == sorted(set(ids))
    for rule in driver["rules"]:
        assert rule.get("defaultConfiguration", {"level": "error"})["level"] in ("none", "note", "warning", "error")
    for result in run["results"]:
        _required(result, "ruleId", "ruleIndex", "level", "message", "locations")
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["message"]["text"]
        physical = result["locations"][0]["physicalLocation"]
        assert " " not in physical["artifactLocation"]["uri"]
        region = physical.get("region", {"startLine": 1, "startColumn": 1})
        assert region["startLine"] >= 1
        assert region["startColumn"] >= 1
    assert run["results"][1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "apps/web%201.yaml"


TEMPLATE = Path(__file__).parents[3] / "fleet-repo-template"


@pytest.mark.parametrize("name", files())
def test_schema_in_the_template_is_the_one_of_the_models(name: str) -> None:
    assert (TEMPLATE / ".schemas" / name).read_text() == files()[name], (
        "run `reconciler schema --out fleet-repo-template/.schemas`"
    )


def test_schema_command_writes_every_schema(tmp_path: Path) -> None:
    done = CliRunner().invoke(schema, ["--out", str(tmp_path / "deep" / "schemas")])
    assert done.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "deep" / "schemas").iterdir()) == sorted(files())
    shutil.rmtree(tmp_path / "deep")


def test_schema_refuses_unknown_fields_and_explains_known_ones() -> None:
    fleet = json.loads(files()["fleet.json"])["definitions"]
    assert all(part["additionalProperties"] is False for part in fleet.values() if part.get("type") == "object")
    assert "never prune each other" in fleet["Settings"]["properties"]["fleet"]["description"]
    assert fleet["Clusters"]["properties"].keys() == {"from", "parent", "access"}
