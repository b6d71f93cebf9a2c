"""Fields that others own are left alone: what is sent in their place."""

from typing import Any

import pytest

from reconciler.model.applysettings import IgnoreFields
from reconciler.model.feed import RenderedObject
from reconciler.model.objects import digest_of, key_of
from reconciler.planning.ignored import adjusted, pointers_for

OURS = "reconciler.demo"


def live(spec: Any, ours: Any, theirs: Any) -> Any:
    entries = [
        {"manager": OURS, "operation": "Apply", "fieldsV1": ours},
        {"manager": "hpa", "operation": "Update", "subresource": "scale", "fieldsV1": theirs},
    ]
    return {"metadata": {"managedFields": entries}, "spec": spec}


OWNED: dict[str, Any] = {"f:spec": {"f:replicas": {}, "f:paused": {}}}
REPLICAS: dict[str, Any] = {"f:spec": {"f:replicas": {}}}
ITEM = 'k:{"name":"main"}'
IMAGE: dict[str, Any] = {"f:spec": {"f:containers": {ITEM: {"f:image": {}}}}}
CASES = [
    ("others own it", {"replicas": 3, "paused": False}, live({"replicas": 5}, OWNED, REPLICAS), {"paused": False}),
    ("we alone", {"replicas": 3}, live({"replicas": 5}, OWNED, {}), {"replicas": 3}),
    (
        "gone from the cluster",
        {"replicas": 3, "paused": False},
        live({}, {"f:spec": {}}, {"f:x": {}}),
        {"paused": False},
    ),
]


@pytest.mark.parametrize(("spec", "there", "sent"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_field_of_a_map(spec: Any, there: Any, sent: Any) -> None:
    entries = there["metadata"]["managedFields"]
    if not entries[1]["fieldsV1"]:
        del entries[1]
        sent = {**spec, "replicas": there["spec"]["replicas"]}
    assert adjusted({"spec": spec}, there, OURS, ["/spec/replicas"])["spec"] == sent


def test_item_of_a_list_is_found_by_its_merge_key_wherever_it_stands() -> None:
    sent = {"spec": {"containers": [{"name": "main", "image": "a"}]}}
    there = live({"containers": [{"name": "proxy", "image": "p"}, {"name": "main", "image": "b"}]}, IMAGE, IMAGE)
    assert adjusted(sent, there, OURS, ["/spec/containers/*/image"])["spec"] == {"containers": [{"name": "main"}]}


def test_item_that_is_not_on_the_cluster_yet_is_sent_whole() -> None:
    sent = {"spec": {"containers": [{"name": "new", "image": "a"}]}}
    there = live({"containers": [{"name": "main", "image": "b"}]}, IMAGE, IMAGE)
    assert adjusted(sent, there, OURS, ["/spec/containers/*/image"]) == sent


def test_nothing_that_is_given_is_changed() -> None:
    sent = {"spec": {"replicas": 3}}
    adjusted(sent, live({"replicas": 5}, OWNED, REPLICAS), OURS, ["/spec/replicas"])
    assert sent == {"spec": {"replicas": 3}}


RULES = [
    ({}, True),
    ({"kind": "ConfigMap"}, True),
    ({"kind": "Secret"}, False),
    ({"api_version": "v2"}, False),
    ({"namespace": "other"}, False),
    ({"name": "a-*"}, True),
    ({"name": "b-*"}, False),
    ({"subscriptions": ("default/web",)}, True),
    ({"subscriptions": ("default/other",)}, False),
]


@pytest.mark.parametrize(("words", "concerned"), RULES, ids=[str(words) for words, _ in RULES])
def test_rule_concerns_what_all_its_words_name(words: dict[str, Any], concerned: bool) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a-1", "namespace": "x"}}
    obj = RenderedObject(key_of(body), "v1", body, digest_of(body))
    found = pointers_for(obj, "default/web", [IgnoreFields(fields=("/data/x",), **words)])
    assert found == (("/data/x",) if concerned else ())
