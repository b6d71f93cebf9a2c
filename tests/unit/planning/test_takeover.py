"""Fields of earlier managers become ours: laws of the union, and whose entries are merged."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.planning.takeover import LAST_APPLIED, merged_entries, patch, union

OURS = "reconciler.demo"
names = st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', "v:1", "."])
sets = st.recursive(st.just({}), lambda below: st.dictionaries(names, below, max_size=3), max_leaves=8)


def leaves(fields: Any, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    return {path} | {leaf for name, below in fields.items() for leaf in leaves(below, (*path, name))}


@settings(max_examples=60)
@given(st.lists(sets, max_size=4))
def test_union_holds_the_fields_of_all_and_no_others(some: list[Any]) -> None:
    expected = {()}.union(*map(leaves, some))
    assert leaves(union(some)) == expected


@settings(max_examples=60)
@given(sets, sets)
def test_order_of_a_union_does_not_matter(one: Any, other: Any) -> None:
    assert union([one, other]) == union([other, one])
    assert union([one, one]) == one


def entry(manager: str, operation: str = "Update", **more: str) -> dict[str, Any]:
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        "time": "2026-01-01T00:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {f"f:{manager}": {}},
        **more,
    }


TAKEN = [
    ("kubectl-client-side-apply", "Update", False, True),
    ("kubectl", "Apply", False, True),
    ("kubectl-edit", "Update", False, True),
    ("clusternet-agent", "Update", False, True),
    ("before-first-apply", "Update", False, True),
    (OURS, "Update", False, True),
    ("kubectl-rollout", "Update", False, False),
    ("kube-controller-manager", "Update", False, False),
    ("argocd-controller", "Apply", False, False),
    ("argocd-controller", "Apply", True, True),
    ("reconciler.other", "Apply", False, False),
    ("reconciler.other", "Apply", True, True),
]


@pytest.mark.parametrize(
    ("manager", "operation", "tools", "taken"), TAKEN, ids=[f"{m}-{o}-{t}" for m, o, t, _ in TAKEN]
)
def test_entries_of_people_and_earlier_tools_are_merged_into_ours(
    manager: str, operation: str, tools: bool, taken: bool
) -> None:
    merged = merged_entries([entry(manager, operation), entry("stays")], OURS, "v1", tools=tools)
    assert (merged is not None) is taken
    if merged is not None:
        assert [(one["manager"], one["operation"]) for one in merged] == [(OURS, "Apply"), ("stays", "Update")]
        assert merged[0]["fieldsV1"] == {f"f:{manager}": {}}


def test_statuses_and_scales_stay_with_who_wrote_them() -> None:
    assert merged_entries([entry("kubectl", subresource="scale")], OURS, "v1", tools=True) is None


def test_patch_names_the_version_that_was_seen_and_drops_the_annotation_of_kubectl() -> None:
    metadata = {
        "resourceVersion": "7",
        "managedFields": [entry("kubectl-client-side-apply")],
        "annotations": {LAST_APPLIED: "{}"},
    }
    steps = patch(metadata, OURS, "v1", tools=False)
    assert [(step["op"], step["path"]) for step in steps] == [
        ("replace", "/metadata/resourceVersion"),
        ("replace", "/metadata/managedFields"),
        ("remove", "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"),
    ]
    assert steps[0]["value"] == "7"


def test_nothing_is_patched_where_nobody_was_before_us() -> None:
    assert patch({"resourceVersion": "7", "managedFields": [entry(OURS, "Apply")]}, OURS, "v1", tools=True) == ()
