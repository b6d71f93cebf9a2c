"""Health by the expressions of fleet.yaml: their order, what is said when they fail, and for which kinds they hold."""

from typing import Any

import pytest

from reconciler.model.applysettings import HealthRule
from reconciler.model.objects import ObjectKey
from reconciler.model.status import Health
from reconciler.planning.health import Assessor

RULE = HealthRule(
    api_version="example.io/v1",
    kind="Widget",
    current="status.phase == 'Ready'",
    in_progress="has(status.busy) && status.busy",
    failed="status.phase == 'Broken'",
)


def widget(status: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    body = {"apiVersion": "example.io/v1", "kind": "Widget", "metadata": {"name": "x", **metadata}}
    return body if status is None else {**body, "status": status}


def only(current: str) -> Assessor:
    return Assessor([HealthRule(api_version="example.io/v1", kind="Widget", current=current)])


CASES = [
    ("current", {"phase": "Ready"}, Health.CURRENT, ""),
    ("failed", {"phase": "Broken"}, Health.FAILED, "failed by the expression of fleet.yaml"),
    (
        "in progress goes before failed",
        {"phase": "Broken", "busy": True},
        Health.PROGRESSING,
        "in progress by the expression of fleet.yaml",
    ),
    ("none true", {"phase": "New"}, Health.PROGRESSING, "no expression of fleet.yaml about its health is true"),
    (
        "a member that is not there",
        {},
        Health.PROGRESSING,
        "the expression `failed` of fleet.yaml fails: there is no member 'phase'",
    ),
    (
        "no status at all",
        None,
        Health.PROGRESSING,
        "the expression `failed` of fleet.yaml fails: there is no member 'phase'",
    ),
]


@pytest.mark.parametrize(("status", "health", "message"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_expressions_decide_in_progress_then_failed_then_current(
    status: dict[str, Any] | None, health: Health, message: str
) -> None:
    assert Assessor([RULE]).assess(widget(status)) == (health, message)


def test_change_that_the_controller_has_not_seen_goes_before_every_expression() -> None:
    obj = widget({"phase": "Ready", "observedGeneration": 1}, generation=2)
    assert Assessor([RULE]).assess(obj) == (Health.PROGRESSING, "its controller has not seen this change yet")


def test_conditions_count_for_nothing_where_expressions_decide() -> None:
    stalled = {"phase": "Ready", "conditions": [{"type": "Stalled", "status": "True"}]}
    assert Assessor([RULE]).assess(widget(stalled)) == (Health.CURRENT, "")


FAILING = [
    ("nope.x", "Undefined variable or function: 'nope'"),
    ("nope(status)", "Undefined variable or function: 'nope'"),
    ("status.count", "it is neither true nor false, but int"),
    ("status.list[5] == 'x'", "an index is out of bounds"),
    ("status.count > 'a'", "an operation is not defined for the types of its operands"),
    ("int(status.secret) == 1", "a value cannot be converted"),
    ("timestamp(status.secret) == timestamp('2020-01-01T00:00:00Z')", "a value cannot be converted"),
    ("duration(status.secret) == duration('1s')", "a value cannot be converted"),
    ("status.count / 0 == 1", "it divides by zero"),
    ("{'a': 1}[status.secret] == 1", "there is no such member"),
]


@pytest.mark.parametrize(("expression", "words"), FAILING, ids=[expression for expression, _ in FAILING])
def test_expression_that_fails_is_told_without_any_value(expression: str, words: str) -> None:
    status = {"count": 3, "list": [], "secret": "hunter2"}
    health, message = only(expression).assess(widget(status))
    assert health is Health.PROGRESSING
    assert message == f"the expression `current` of fleet.yaml fails: {words}"
    assert "hunter2" not in message


def test_object_has_the_members_that_an_expression_names() -> None:
    obj = {**widget({}), "data": {"mode": "on"}, "spec": {"replicas": 2}}
    assert only("kind == 'Widget' && data.mode == 'on' && spec.replicas == 2").assess(obj)[0] is Health.CURRENT


def test_list_of_conditions_can_be_asked() -> None:
    expression = "status.conditions.exists(e, e.type == 'Synced' && e.status == 'True')"
    synced = {"conditions": [{"type": "Synced", "status": "True"}]}
    assert only(expression).assess(widget(synced))[0] is Health.CURRENT
    assert only(expression).assess(widget({"conditions": []}))[0] is Health.PROGRESSING


def test_rule_holds_for_all_versions_of_its_kind_and_for_no_kind_of_another_group() -> None:
    newer = {**widget({"phase": "New"}), "apiVersion": "example.io/v2"}
    other = {**widget({"phase": "New"}), "apiVersion": "example.com/v1"}
    assert Assessor([RULE]).assess(newer)[0] is Health.PROGRESSING
    assert Assessor([RULE]).assess(other)[0] is Health.CURRENT


def test_kind_with_a_rule_is_worth_a_look() -> None:
    rule = HealthRule(api_version="v1", kind="ConfigMap", current="data.ready == 'yes'")
    key = ObjectKey("", "ConfigMap", "a", "x")
    assert Assessor([rule]).varies(key)
    assert not Assessor().varies(key)
