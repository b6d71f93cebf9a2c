"""Strict reading: every mistake of a document at once, each with its path and a way out."""

from typing import Any

import pytest

from reconciler.model.authored import HelmChart, ManagedCluster, Subscription
from reconciler.model.settings import Settings
from reconciler.model.snapshot import Place
from reconciler.source import fields


def subscription(**spec: Any) -> dict[str, Any]:
    base = {"subscribers": [{"clusterAffinity": {}}], "feeds": []}
    return {
        "apiVersion": "apps.clusternet.io/v1alpha1",
        "kind": "Subscription",
        "metadata": {"name": "web"},
        "spec": {**base, **spec},
    }


def told(value: Any, model: type) -> list[tuple[str, str, str]]:
    made, problems = fields.convert(value, model, Place("f.yaml"))
    assert made is None
    return [(found.rule, fields.dotted(found.field), found.hint) for found in problems]


def test_good_value_becomes_the_model() -> None:
    made, problems = fields.convert(subscription(), Subscription, Place("f.yaml"))
    assert made is not None
    assert (made.metadata.name, problems) == ("web", ())


def test_all_mistakes_are_told_at_once() -> None:
    value = subscription(
        zzz="x", subscribers=[{"clusterAfinity": {"matchLabels": {"a": 1, "b": "c", "d": True}}}, {"weight": -1}]
    )
    assert sorted((rule, field) for rule, field, _ in told(value, Subscription)) == [
        ("missing-field", "spec.subscribers[1].clusterAffinity"),
        ("unknown-field", "spec.subscribers[0].clusterAfinity"),
        ("unknown-field", "spec.zzz"),
        ("wrong-value", "spec.subscribers[0].clusterAfinity.matchLabels.a"),
        ("wrong-value", "spec.subscribers[0].clusterAfinity.matchLabels.d"),
        ("wrong-value", "spec.subscribers[1].weight"),
    ]


@pytest.mark.parametrize(
    ("value", "model", "expected"),
    [
        (
            subscription(wieght=1),
            Subscription,
            ("unknown-field", "spec.wieght", "Known fields: schedulerName, schedulingBySubGroup, schedulingStrategy, "),
        ),
        (subscription(feed=[]), Subscription, ("unknown-field", "spec.feed", "Did you mean 'feeds'?")),
        (
            subscription(feeds=None),
            Subscription,
            ("wrong-value", "spec.feeds", "Give it a value, or remove the field."),
        ),
        (subscription(feeds={}), Subscription, ("wrong-value", "spec.feeds", "Write a list: one `- ` per item.")),
        (
            subscription(schedulingStrategy="dividing"),
            Subscription,
            ("wrong-value", "spec.schedulingStrategy", "Did you mean 'Dividing'?"),
        ),
        (
            subscription(schedulingBySubGroup="yes"),
            Subscription,
            ("wrong-value", "spec.schedulingBySubGroup", "Write true"),
        ),
        ({"fleet": 5}, Settings, ("wrong-value", "fleet", "Put the value in quotes.")),
        (
            {"fleet": "a", "clusters": {"access": {"east": {"contxt": "x"}}}},
            Settings,
            ("unknown-field", "clusters.access.east.contxt", "Did you mean 'context'?"),
        ),
        (["fleet"], Settings, ("wrong-value", "", "Write a mapping")),
        ({}, Settings, ("missing-field", "fleet", "Add the field.")),
    ],
)
def test_mistake_has_a_way_out(value: Any, model: type, expected: tuple[str, str, str]) -> None:
    (found,) = told(value, model)
    assert found[:2] == expected[:2]
    assert found[2].startswith(expected[2])


def test_misspelt_required_field_is_told_once() -> None:
    value = subscription()
    value["spce"] = value.pop("spec")
    assert told(value, Subscription) == [("unknown-field", "spce", "Did you mean 'spec'?")]


def test_document_of_another_tool_does_not_give_hundreds_of_problems() -> None:
    value = subscription(**{f"field{number}": 1 for number in range(300)})
    assert len(told(value, Subscription)) == 25


def test_reading_on_after_a_mistake_changes_nothing_of_the_value() -> None:
    value = subscription(feed=[], subscribers=[{"clusterAffinity": {}, "weigth": 1}])
    before = repr(value)
    told(value, Subscription)
    assert repr(value) == before


def test_value_of_a_wrong_secret_field_is_not_repeated() -> None:
    value = {
        "apiVersion": "apps.clusternet.io/v1alpha1",
        "kind": "HelmChart",
        "metadata": {"name": "x"},
        "spec": {"repo": "https://me:hunter2@host/ x", "chart": "x", "targetNamespace": "x", "password": "hunter2"},
    }
    _, problems = fields.convert(value, HelmChart, Place("f.yaml"))
    assert len(problems) == 2
    assert "hunter2" not in repr(problems)


def test_path_inside_a_list_begins_at_the_document() -> None:
    value = {"apiVersion": "clusters.clusternet.io/v1beta1", "kind": "ManagedCluster", "metadata": {"name": "x"}}
    _, (found,) = fields.convert(value, ManagedCluster, Place("f.yaml", 0, 3), ("items", 3))
    assert found.field == ("items", 3, "spec")
