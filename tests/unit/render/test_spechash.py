"""specHash: Go's JSON of the spec, printed as decimal bytes, FNV-1a."""

import msgspec
import pytest

from reconciler.model.authored import SubscriptionSpec
from reconciler.render.spechash import fnv1a, go_json, spec_hash

FEED = {"apiVersion": "v1", "kind": "ConfigMap", "name": "a<b"}


@pytest.mark.parametrize(
    ("text", "value"), [("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968)], ids=["empty", "a", "foobar"]
)
def test_fnv1a_has_the_values_of_its_authors(text: str, value: int) -> None:
    assert fnv1a(text.encode()) == value


def test_json_has_declared_order_defaults_and_escapes_of_go() -> None:
    spec = msgspec.convert(
        {
            "feeds": [FEED],
            "subscribers": [{"weight": 0, "clusterAffinity": {"matchLabels": {"b": "2", "a": "1"}}}],
            "dividingScheduling": {"dynamicDividing": {"minClusters": 2}, "type": "Dynamic"},
            "schedulingStrategy": "Dividing",
            "clusterTolerations": [],
        },
        SubscriptionSpec,
    )
    assert go_json(spec).decode() == (
        '{"schedulerName":"default","schedulingStrategy":"Dividing","dividingScheduling":{"type":"Dynamic",'
        '"dynamicDividing":{"strategy":"Spread","minClusters":2}},"preemptionPolicy":"PreemptLowerPriority",'
        '"subscribers":[{"clusterAffinity":{"matchLabels":{"a":"1","b":"2"}}}],'
        '"feeds":[{"kind":"ConfigMap","apiVersion":"v1","name":"a\\u003cb"}]}'
    )


def test_order_of_members_in_the_file_does_not_change_the_hash_and_a_value_does() -> None:
    feeds = {"feeds": [FEED], "subscribers": []}
    one = msgspec.convert({"priority": 1, **feeds}, SubscriptionSpec)
    other = msgspec.convert({**feeds, "priority": 1}, SubscriptionSpec)
    assert spec_hash(one) == spec_hash(other) < 2**32
    assert spec_hash(one) != spec_hash(msgspec.convert({**feeds, "priority": 2}, SubscriptionSpec))
