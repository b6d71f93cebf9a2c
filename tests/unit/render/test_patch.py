"""JSON patches in both dialects: RFC 6902 by its own examples, Clusternet's by contract §4.5."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.objects import canonical
from reconciler.render import patch
from reconciler.render.pointer import differing

VECTORS = json.loads((Path(__file__).parent / "vectors" / "rfc6902.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_strict_dialect_is_rfc_6902(vector):
    patched = patch.apply(vector["doc"], vector["patch"], strict=True)
    assert (patched.fault is not None) is ("error" in vector)
    assert patched.value == vector.get("expected", vector["doc"])


DOC = {"data": {"x": "1", "null": None}, "list": [1, 2, 3], "text": "t"}


def operation(op, path, *value, **more):
    return {"op": op, "path": path, **({"value": value[0]} if value else {}), **more}


@pytest.mark.parametrize(
    ("done", "path", "expected"),
    [
        pytest.param(operation("replace", "/data/new", "v"), ("data", "new"), "v", id="replace adds an absent key"),
        pytest.param(operation("add", "/list/-1", 9), ("list",), [1, 2, 3, 9], id="add at -1 appends"),
        pytest.param(operation("add", "/list/-4", 9), ("list",), [9, 1, 2, 3], id="add at minus length prepends"),
        pytest.param(operation("remove", "/list/-1"), ("list",), [1, 2], id="remove counts from the end"),
        pytest.param(operation("replace", "/list/-3", 9), ("list",), [9, 2, 3], id="replace counts down to the start"),
        pytest.param(operation("replace", "/list/+1", 9), ("list",), [1, 9, 3], id="an index may have a sign"),
        pytest.param(operation("replace", "/list/01", 9), ("list",), [1, 9, 3], id="an index may have leading zeros"),
        pytest.param(operation("add", "/data/y"), ("data", "y"), None, id="add without value stores null"),
        pytest.param(operation("add", "any/data/y", 1), ("data", "y"), 1, id="what stands before the slash is ignored"),
        pytest.param(
            operation("copy", "/data/y", **{"from": "/data/none"}), ("data", "y"), None, id="copy of absence is null"
        ),
        pytest.param(operation("test", "/data/none", None), ("text",), "t", id="absence equals null in a test"),
    ],
)
def test_clusternet_accepts_what_the_rfc_refuses(done, path, expected):
    patched = patch.apply(DOC, [done])
    value = patched.value
    for key in path:
        value = value[key]
    assert (patched.fault, value) == (None, expected)
    assert patch.apply(DOC, [done], strict=True).fault is not None


@pytest.mark.parametrize(
    "skipped",
    [
        operation("add", "/none/x", 1),
        operation("add", "/text/x", 1),
        operation("add", "/data/null/x", 1),
        operation("add", "/list/7/x", 1),
        operation("add", "", {}),
        operation("add", "data", 1),
        operation("remove", "/data/none"),
        operation("replace", "/none/x", 1),
        operation("replace", "/list/9", 1),
        operation("replace", "/list/-", 1),
        operation("replace", "/list/x", 1),
        operation("move", "/data/y", **{"from": "/none/x"}),
        operation("move", "/none/y", **{"from": "/data/x"}),
        operation("move", "/data/y", **{"from": "/data/none"}),
        operation("copy", "/data/y", **{"from": "/none/x"}),
        operation("copy", "/data/y", **{"from": ""}),
        operation("test", "/none/x", 1),
        {"op": "add", "value": 1},
        {"op": "move", "path": "/data/y"},
    ],
    ids=lambda done: json.dumps(done),
)
def test_clusternet_skips_a_whole_patch_when_something_is_missing(skipped):
    patched = patch.apply(DOC, [operation("add", "/data/before", 1), skipped])
    assert patched.fault is not None
    assert patched.fault.missing
    assert patched.value is DOC


@pytest.mark.parametrize(
    "refused",
    [
        operation("add", "/list/9", 1),
        operation("add", "/list/-5", 1),
        operation("add", "/list/x", 1),
        operation("remove", "/list/9"),
        operation("remove", "/list/x"),
        operation("test", "/data/x", "2"),
        operation("test", "/data/x", None),
        operation("test", "/list/9", 1),
        operation("test", "", {}),
        operation("replace", "", "text"),
        operation("copy", "/data/y", **{"from": "/list/9"}),
        operation("move", "/list/9", **{"from": "/list/0"}),
        operation("spam", "/data/x"),
        {"path": "/data/x"},
    ],
    ids=lambda done: json.dumps(done),
)
def test_clusternet_refuses(refused):
    patched = patch.apply(DOC, [refused])
    assert patched.fault is not None
    assert not patched.fault.missing
    assert patched.value is DOC


@pytest.mark.parametrize("operations", [{}, "text", None, [1], [[]]])
def test_patch_that_is_no_list_of_operations_is_refused(operations):
    assert patch.apply(DOC, operations).fault == patch.Fault("a JSON patch is a list of operations")


def test_patch_of_more_than_ten_thousand_operations_is_refused():
    add = operation("add", "/data/x", "1")
    assert patch.apply(DOC, [add] * 10_000).fault is None
    assert patch.apply(DOC, [add] * 10_001).fault is not None


def test_fault_tells_no_value():
    fault = patch.apply({"data": {"password": "hunter2"}}, [operation("test", "/data/password", "hunter3")]).fault
    assert fault == patch.Fault("operation 0 (test /data/password): another value is there")


KEYS = st.sampled_from(["a", "b", "", "x/y", "~", "0", "1"])
SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "t"])
INNER = st.lists(SCALARS, max_size=3) | st.dictionaries(KEYS, SCALARS, max_size=2)
JSON = SCALARS | INNER | st.lists(INNER, max_size=2)
DOCUMENTS = st.dictionaries(KEYS, JSON, max_size=3)
TOKENS = st.sampled_from(["a", "b", "", "x~1y", "~0", "0", "1", "2", "-", "-1", "x"])
POINTERS = st.lists(TOKENS, min_size=1, max_size=3).map(lambda parts: "".join("/" + part for part in parts))
OPERATIONS = st.builds(
    lambda op, path, source, value: {"op": op, "path": path, "from": source, "value": value},
    st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]),
    POINTERS,
    POINTERS,
    JSON,
)


@settings(max_examples=60)
@given(DOCUMENTS, st.lists(OPERATIONS, max_size=3), st.booleans())
def test_inputs_stay_as_they_were(document, operations, strict):
    before = canonical([document, operations])
    patch.apply(document, operations, strict=strict)
    assert canonical([document, operations]) == before


@settings(max_examples=60)
@given(DOCUMENTS, st.lists(OPERATIONS, max_size=3))
def test_what_the_rfc_accepts_clusternet_accepts_with_the_same_result(document, operations):
    strict = patch.apply(document, operations, strict=True)
    if strict.fault is None:
        assert patch.apply(document, operations) == strict


@settings(max_examples=60)
@given(DOCUMENTS, DOCUMENTS)
def test_a_replace_at_every_difference_leads_from_one_document_to_the_other(before, after):
    operations = []
    for at in differing(before, after):
        there = patch.apply(after, [{"op": "copy", "from": at, "path": "/probe"}], strict=True) if at else None
        if there is None:
            operations.append({"op": "replace", "path": "", "value": after})
        elif there.fault is None:
            operations.append(
                {"op": "add" if at.count("/") == 1 else "replace", "path": at, "value": there.value["probe"]}
            )
        else:
            operations.append({"op": "remove", "path": at})
    patched = patch.apply(before, operations)
    assert patched.fault is None
    assert list(differing(patched.value, after)) == []


def test_copies_of_copies_are_stopped_before_they_fill_the_memory():
    doubling = [{"op": "copy", "from": "/a", "path": f"/a/{n}"} for n in range(5000)]
    patched = patch.apply({"a": {"x": 1}}, doubling)
    assert "too large or too deep" in patched.fault.message
    assert patched.value == {"a": {"x": 1}}


def test_document_that_a_patch_makes_deeper_and_deeper_is_stopped():
    nesting = [{"op": "move", "from": "/a", "path": "/b"}, {"op": "add", "path": "/a", "value": {}}]
    nesting += [{"op": "move", "from": "/b", "path": "/a/b"}, {"op": "move", "from": "/a", "path": "/b"}]
    operations = nesting[:1] + (nesting[1:] * 400)
    assert "too large or too deep" in patch.apply({"a": {}}, operations).fault.message


def test_path_of_thousands_of_parts_is_refused():
    document = {}
    for _ in range(190):
        document = {"a": document}
    assert "more than 200 parts" in patch.apply(document, [operation("add", "/a" * 3000, 1)]).fault.message
    assert "more than 200 parts" in patch.apply(document, [operation("add", "/a" * 3000, 1)], strict=True).fault.message


def test_patch_of_ten_thousand_copies_that_stays_small_takes_no_time():
    copies = [{"op": "copy", "from": "/a", "path": "/b"}] * 10_000
    assert patch.apply({"a": {"x": [1, 2]}}, copies).value == {"a": {"x": [1, 2]}, "b": {"x": [1, 2]}}
