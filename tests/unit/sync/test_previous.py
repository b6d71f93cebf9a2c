"""Where the last placement has a say."""

from typing import Any

import pytest

from reconciler.sync.previous import matters
from tests.unit.snapshots import deployment, everywhere, snapshot, subscription

CASES: dict[str, tuple[dict[str, Any], bool]] = {
    "replication": ({}, False),
    "static": ({"schedulingStrategy": "Dividing", "dividingScheduling": {"type": "Static"}}, False),
    "by-room": (
        {"schedulingStrategy": "Dividing", "dividingScheduling": {"type": "Dynamic", "dynamicDividing": {}}},
        True,
    ),
    "subgroups": ({"schedulingBySubGroup": True}, True),
}


@pytest.mark.parametrize(("spec", "expected"), CASES.values(), ids=CASES)
def test_the_last_placement_is_read_only_where_it_has_a_say(spec: dict[str, Any], expected: bool) -> None:
    found = snapshot(deployment(), subscription("web", [everywhere(1)], deployment(), **spec))
    assert matters(found) is expected


def test_a_repo_without_subscriptions_has_no_past() -> None:
    assert not matters(snapshot(deployment()))
