"""Merge patches: RFC 7386 by its own examples, and where Clusternet deviates (contract §4.6)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.objects import canonical
from reconciler.render import merge

RFC = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
]


@pytest.mark.parametrize(("target", "change", "expected"), RFC)
def test_example_of_rfc_7386(target, change, expected):
    assert merge.apply(target, change).value == expected


@pytest.mark.parametrize(
    ("target", "change", "expected"),
    [
        pytest.param({}, {"l": [{"a": None}, None]}, {"l": [{}, None]}, id="objects in a new list lose their nulls"),
        pytest.param({"l": [1]}, {"l": [{"a": None}]}, {"l": [{}]}, id="and so they do where it replaces a list"),
        pytest.param({"l": {}}, {"l": [{"a": None}]}, {"l": [{"a": None}]}, id="but not where it replaces an object"),
        pytest.param({}, [{"a": None}], [{}], id="a list at the root replaces the document"),
    ],
)
def test_nulls_inside_lists(target, change, expected):
    assert merge.apply(target, change).value == expected


@pytest.mark.parametrize("change", [None, "text", 1, True])
def test_scalar_at_the_root_is_refused_and_changes_nothing(change):
    target = {"a": 1}
    patched = merge.apply(target, change)
    assert patched.fault is not None
    assert patched.value is target


KEYS = st.sampled_from("abc")
SCALARS = st.none() | st.integers(0, 2)
INNER = st.lists(SCALARS, max_size=2) | st.dictionaries(KEYS, SCALARS, max_size=2)
JSON = SCALARS | INNER | st.lists(INNER, max_size=2) | st.dictionaries(KEYS, INNER, max_size=2)
OBJECTS = st.dictionaries(KEYS, JSON, max_size=3)


def merged(target, change):
    return merge.apply(target, change).value


@settings(max_examples=60)
@given(OBJECTS, OBJECTS)
def test_merging_changes_no_input_and_settles(target, change):
    before = canonical([target, change])
    once = merged(target, change)
    assert canonical([target, change]) == before
    # a list that replaced an object keeps its nulls, and loses them when it replaces a list: hence once more
    twice = merged(once, change)
    assert merged(twice, change) == twice


FLAT = st.dictionaries(KEYS, st.none() | st.integers(0, 3), max_size=3)


@settings(max_examples=60)
@given(OBJECTS, FLAT, FLAT)
def test_flat_merges_are_associative(target, first, second):
    assert merged(merged(target, first), second) == merged(target, {**first, **second})
