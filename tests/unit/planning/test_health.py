"""A table of objects as servers answer them, and how they are."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.model.objects import ObjectKey
from reconciler.planning.health import Assessor

TABLE = [
    case
    for file in sorted((Path(__file__).parent / "health").glob("*.yaml"))
    for case in yaml.safe_load(file.read_text())
]


@pytest.mark.parametrize("case", TABLE, ids=[case["case"] for case in TABLE])
def test_object_is_assessed_by_its_own_words(case: dict[str, Any]) -> None:
    health, message = Assessor().assess(case["object"])
    assert health.value == case["health"]
    if "message" in case:
        assert message == case["message"]
    if case["health"] == "current":
        assert message == ""
    else:
        assert message


VARIES = [
    ("apps", "Deployment", True),
    ("", "ConfigMap", False),
    ("example.io", "Widget", True),
    ("", "Endpoints", False),
]


@pytest.mark.parametrize(("group", "kind", "answer"), VARIES, ids=[kind for _, kind, _ in VARIES])
def test_only_kinds_that_can_be_unready_are_worth_a_look(group: str, kind: str, answer: bool) -> None:
    assert Assessor().varies(ObjectKey(group, kind, "a", "x")) is answer
