"""The JSON Schemas: every property described, and the golden repos judged by a validator as `check` judges them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from reconciler.cli.schema import files
from reconciler.source import documents

TOP = Path(__file__).parents[3]
GOLDEN = TOP / "tests" / "golden"
SCHEMAS = {name: json.loads(text) for name, text in files().items()}
KINDS = {"Subscription", "Localization", "Globalization", "HelmChart", "ManagedCluster", "ServiceExport"}


def properties(node: Any, where: str) -> Iterator[tuple[str, Any]]:
    for name, member in node.get("properties", {}).items():
        yield f"{where}.{name}", member
    for name, definition in node.get("definitions", {}).items():
        yield from properties(definition, f"{where}#{name}")


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_property_says_what_it_is_for(name: str) -> None:
    undescribed = [where for where, member in properties(SCHEMAS[name], name) if not member.get("description")]
    assert undescribed == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_is_one_that_validators_take(name: str) -> None:
    assert jsonschema_rs.meta.is_valid(SCHEMAS[name])


def test_enums_and_defaults_of_the_wire_stand_in_the_schema() -> None:
    spec = SCHEMAS["subscription.json"]["definitions"]["SubscriptionSpec"]["properties"]
    assert spec["schedulingStrategy"]["enum"] == ["Dividing", "Replication"]
    assert (spec["schedulingStrategy"]["default"], spec["schedulerName"]["default"]) == ("Replication", "default")
    chart = SCHEMAS["helmchart.json"]["definitions"]["HelmChartSpec"]["properties"]
    assert chart["timeoutSeconds"]["default"] == 300
    assert SCHEMAS["localization.json"]["definitions"]["LocalizationSpec"]["properties"]["priority"]["maximum"] == 1000


def control_documents(repo: Path) -> Iterator[tuple[str, Any]]:
    """Documents of a fleet repo, read as the reconciler reads them, with the name of their schema."""
    for path in sorted(repo.rglob("*.yaml")):
        if path == repo / "fleet.yaml":
            yield "fleet.json", yaml.safe_load(path.read_text())
            continue
        for document in documents.parse(path.read_bytes()).documents:
            body = document.value
            if isinstance(body, dict) and body.get("kind") in KINDS and "clusternet" in str(body.get("apiVersion")):
                yield f"{body['kind'].lower()}.json", body


REPOS = {
    "template": TOP / "fleet-repo-template",
    "base": GOLDEN / "broken" / "base",
    **{f"clusternet/{path.parent.name}": path.parent for path in (GOLDEN / "clusternet").rglob("fleet.yaml")},
}


@pytest.mark.parametrize("repo", REPOS.values(), ids=REPOS)
def test_good_repo_is_valid_for_a_json_schema_validator(repo: Path) -> None:
    found = list(control_documents(repo))
    assert found
    for name, body in found:
        errors = [error.message for error in jsonschema_rs.validator_for(SCHEMAS[name]).iter_errors(body)]
        assert errors == [], name


@pytest.mark.parametrize(
    "case",
    ["subscription-typo", "subscription-wrong-types", "subscription-incomplete", "cluster-wrong", "settings-typos"],
)
def test_mistake_in_a_field_is_one_for_a_json_schema_validator_too(case: str) -> None:
    assert not all(
        jsonschema_rs.validator_for(SCHEMAS[name]).is_valid(body)
        for name, body in control_documents(GOLDEN / "broken" / case)
    )
