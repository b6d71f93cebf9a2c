"""Patches of documents that stand as text in a field: the field keeps the form that its author gave it."""

import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.render import fieldpatch, merge, patch
from reconciler.render.patch import Fault
from reconciler.render.pointer import same
from reconciler.render.yamlnodes import NotReadable, read
from reconciler.source.documents import everything

SERVER = """\
# of the shop
server:
    port: 8080   # behind the proxy
    hosts:
    -   a.example   # first
    # the second one is slow
    -   'b.example'

    tls: {cert: "/etc/tls.crt", key: /etc/tls.key}
log:
    level: info
    # how it looks
    format: |
      %t
      %m
mode: 0644
"""


def changed(text, form, change):
    """The text after a merge patch (a mapping) or a JSON patch (a list of operations), and what is said against it."""
    apply = patch.apply if isinstance(change, list) else merge.apply
    return fieldpatch.edited(text, form, lambda document: apply(document, change))


def yaml_value(text):
    """What our own reader of files reads."""
    parsed = everything(text.encode())
    assert not any(document.broken for document in parsed.documents), parsed.faults
    return parsed.documents[0].value if parsed.documents else None


def add(path, value):
    return [{"op": "add", "path": path, "value": value}]


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        pytest.param({"server": {"port": 9090}}, "port: 8080   #", "port: 9090   #", id="a number"),
        pytest.param({"log": {"level": "debug"}}, "level: info", "level: debug", id="plain text"),
        pytest.param({"log": {"level": "yes"}}, "level: info", 'level: "yes"', id="text that reads as a truth value"),
        pytest.param({"log": {"level": "1:30"}}, "level: info", 'level: "1:30"', id="text that others read as number"),
        pytest.param({"log": {"level": None}}, "    level: info\n", "", id="the comment below a removed key stays"),
        pytest.param(
            {"log": {"tags": ["x", {"a": 1, "b": []}]}},
            "      %m\n",
            "      %m\n    tags:\n    - x\n    - a: 1\n      b: []\n",
            id="a new key behind a block of text",
        ),
        pytest.param(
            {"new": {"a": {"b": 1}}}, "0644\n", "0644\nnew:\n    a:\n        b: 1\n", id="indented as the rest"
        ),
        pytest.param({"server": {"tls": {"key": "k"}}}, "key: /etc/tls.key", "key: k", id="inside braces"),
        pytest.param({"server": {"tls": {"ca": "c"}}}, "tls.key}", "tls.key, ca: c}", id="a new key inside braces"),
        pytest.param(
            {"server": {"tls": {"key": None}}},
            '{cert: "/etc/tls.crt", key: /etc/tls.key}',
            "{cert: /etc/tls.crt}",
            id="a key removed inside braces",
        ),
        pytest.param({"log": {"format": "%m"}}, "|\n      %t\n      %m\n", '"%m"\n', id="a block becomes a word"),
        pytest.param({"mode": "a\nb\n"}, "mode: 0644", "mode: |\n    a\n    b", id="a word becomes a block"),
        pytest.param(add("/server/hosts/1", "c"), "   # first\n", "   # first\n    - c\n", id="an item between others"),
        pytest.param(add("/server/hosts/0", "c"), "-   a.ex", "- c\n    -   a.ex", id="an item before others"),
        pytest.param(
            add("/server/hosts/-", "c"), "'b.example'\n", "'b.example'\n    - c\n", id="an item behind others"
        ),
        pytest.param(
            [{"op": "remove", "path": "/server/hosts/0"}], "    -   a.example   # first\n", "", id="an item removed"
        ),
        pytest.param(
            [{"op": "replace", "path": "/server/hosts/1", "value": "it's"}], "'b.example'", "'it''s'", id="quotes stay"
        ),
    ],
)
def test_only_the_lines_of_a_change_are_written(change, before, after):
    edited = changed(SERVER, "YAML", change)
    assert SERVER.count(before) == 1
    assert edited.value == SERVER.replace(before, after)


@pytest.mark.parametrize(
    ("text", "change", "expected"),
    [
        pytest.param("- a: 1\n  b: 2\n", [{"op": "remove", "path": "/0/a"}], "- b: 2\n", id="first key of an item"),
        pytest.param(
            "- a: 1\n  b: 2\n  c: 3\n",
            [{"op": "replace", "path": "/0", "value": {"c": 3, "d": 4}}],
            "- c: 3\n  d: 4\n",
            id="first keys of an item",
        ),
        pytest.param("- c: 3\n", [{"op": "remove", "path": "/0/c"}], "- {}\n", id="only key of an item"),
        pytest.param("- - a\n  - b\n", add("/0/0", "q"), "- - q\n  - a\n  - b\n", id="list in a list"),
        pytest.param("a: &x {b: 1}\nc: *x\n", {"c": {"b": 2}}, "a: &x {b: 1}\nc:\n  b: 2\n", id="instead of an alias"),
        pytest.param(
            "a: &x\n  b: 1\nc:\n  <<: *x\n", {"c": {"b": 2}}, "a: &x\n  b: 1\nc:\n  <<: *x\n  b: 2\n", id="merged key"
        ),
        pytest.param("# nothing yet\n", {"c": {"b": 1}}, "# nothing yet\nc:\n  b: 1\n", id="only a comment"),
        pytest.param("a:\nb: 1", {"a": 5, "b": None, "c": "x"}, "a: 5\nc: x\n", id="null, and no end of line"),
        pytest.param("a: # why\n  b: 1\n", {"a": 5}, "a: 5  # why\n", id="comment behind a key"),
        pytest.param("a: 1 # x\n", {"a": "1\n2\n"}, 'a: "1\\n2\\n" # x\n', id="no block before a comment"),
        pytest.param("b: 1\na: |+\n  x\n\n", {"c": 3}, "b: 1\na: |+\n  x\n\nc: 3\n", id="a block that keeps its end"),
        pytest.param("b:\r\n  c: 1\r\n", {"b": {"d": 1}}, "b:\r\n  c: 1\r\n  d: 1\r\n", id="line ends of Windows"),
        pytest.param(
            '{"a": 1.10, "n": 12345678901234567890}',
            {"b": 1},
            '{"a": 1.10, "n": 12345678901234567890, "b": 1}',
            id="JSON in a YAML field",
        ),
    ],
)
def test_small_documents(text, change, expected):
    edited = changed(text, "YAML", change)
    assert (edited.value, edited.fault) == (expected, None)


@pytest.mark.parametrize(
    ("form", "text", "words"),
    [
        ("YAML", "a: 1\n---\nb: 2\n", "several YAML documents"),
        ("YAML", "a: [\n", "one good YAML document"),
        ("YAML", "a: 1\na: 2\n", "set twice"),
        ("YAML", "? [a]\n: 1\n", "no plain text"),
        ("YAML", "~: 1\n", "a key is null"),
        ("YAML", "a: !!int x\n", "does not fit its tag"),
        ("YAML", "a: *x\n", "no anchor"),
        ("YAML", "<<: 1\n", "takes a mapping"),
        ("YAML", "[" * 300 + "]" * 300, "nests deeper"),
        ("YAML", "a: &x {b: 1}\nc: *x\nd: &y {a: 1}\n", ""),
        ("JSON", "a: 1", "one good JSON document"),
        ("JSON", '{"a": 1, "a": 2}', "one good JSON document"),
        ("JSON", '{"a": NaN}', "one good JSON document"),
        ("JSON", "[" * 100_000, "one good JSON document"),
        ("JSON", "[" * 300 + "]" * 300, "nests deeper"),
        ("JSON", " " * (5 << 20) + "{", "too long"),
        (None, "{}", "neither JSON nor YAML"),
    ],
)
def test_what_cannot_be_patched_stays_and_is_told_without_its_contents(form, text, words):
    edited = changed(text, form, {"a": {"b": "new"}})
    if words:
        assert words in edited.fault.message
    else:  # the anchor's aliases would change with it
        assert "without changing more" in edited.fault.message
    assert edited.value == text
    assert not edited.fault.missing


def test_aliases_that_multiply_are_stopped_early():
    text = "a0: &a0 [1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
    )
    assert "too large" in changed(text, "YAML", {"b": 1}).fault.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('{"z":1,"a":2}\n', '{"z":1,"a":3}\n', id="no spaces"),
        pytest.param('{"z": 1, "a": 2}', '{"z": 1, "a": 3}', id="spaces"),
        pytest.param('{\n\t"z": [\n\t\t1\n\t],\n\t"a": 2\n}\n', '{\n\t"z": [\n\t\t1\n\t],\n\t"a": 3\n}\n', id="tabs"),
        pytest.param('{\r\n   "a": 2\r\n}', '{\r\n   "a": 3\r\n}', id="three spaces, line ends of Windows"),
        pytest.param(
            '{"n": 123456789012345678901234567890, "f": 1.10, "e": 1E400, "m": -0, "a": 2}',
            '{"n": 123456789012345678901234567890, "f": 1.10, "e": 1E400, "m": -0, "a": 3}',
            id="numbers that no float holds",
        ),
        pytest.param('{"h": "<b>&é\\n", "a": 2}', '{"h": "<b>&é\\n", "a": 3}', id="nothing is escaped in vain"),
    ],
)
def test_json_keeps_its_form(text, expected):
    edited = changed(text, "JSON", {"a": 3})
    assert (edited.value, edited.fault) == (expected, None)


def test_patch_that_changes_nothing_leaves_the_very_text():
    for form, text in (("JSON", '{ "a" :2}'), ("YAML", "a:   2")):
        assert changed(text, form, {"a": 2}).value == text


def test_empty_field_is_left_alone_and_told():
    edited = changed(" \n", "YAML", {"a": 1})
    assert (edited.value, edited.fault.missing) == (" \n", True)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/data/a~1b", "slash"),
        ("/data/t~0", "tilde"),
        ("/list/1/x", "item"),
        ("/data/none", Fault("there is no field /data/none")),
        ("/list/2/x", Fault("there is no field /list/2/x")),
        ("/list/-1/x", Fault("there is no field /list/-1/x")),
        ("/data/number", Fault("the field /data/number is no text")),
        ("data/x", Fault("fieldPath is not a JSON pointer to a field")),
        ("", Fault("fieldPath is not a JSON pointer to a field")),
    ],
)
def test_field_path_is_a_json_pointer(path, expected):
    document = {"data": {"a/b": "slash", "t~": "tilde", "number": 1}, "list": [{}, {"x": "item"}]}
    assert fieldpatch.text_at(document, path) == expected


KEYS = st.sampled_from(["a", "b", "key", "no", "1", "x: y", "- d", "ü"])
WORDS = st.sampled_from(["", "text", "yes", "0644", "1e3", "a: b", "# c", "two\nlines\n", "end\n\n", " lead", "'", '"'])
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | WORDS | st.text(max_size=4)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
OBJECTS = st.dictionaries(KEYS, JSON, max_size=4)


@settings(max_examples=60, deadline=None)
@given(OBJECTS, OBJECTS, st.sampled_from([None, False, True]), st.sampled_from([2, 4]))
def test_yaml_is_changed_to_what_the_patch_means(document, change, flow, indent):
    text = yaml.safe_dump(document, default_flow_style=flow, indent=indent, allow_unicode=True, sort_keys=False)
    before = yaml_value(text)
    edited = changed(text, "YAML", change)
    assert edited.fault is None
    assert same(yaml_value(edited.value), merge.apply(before, change).value)


@settings(max_examples=50, deadline=None)
@given(st.lists(JSON, max_size=5), st.lists(JSON, max_size=5))
def test_lists_of_yaml_are_changed_to_any_other_list(document, other):
    text = yaml.safe_dump({"l": document}, allow_unicode=True, default_flow_style=False)
    before = yaml_value(text)
    edited = changed(text, "YAML", [{"op": "replace", "path": "/l", "value": other}])
    assert edited.fault is None
    assert same(yaml_value(edited.value), {**before, "l": other})


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 9), min_size=1), st.data())
def test_comments_of_what_stays_stay(document, data):
    document = {**document, "last": 1}
    text = "".join(f"# above {key}\n{key}: {value}  # beside {key}\n" for key, value in document.items())
    change = data.draw(st.dictionaries(st.sampled_from("abcdefgh"), st.none() | st.integers(0, 9)))
    edited = changed(text, "YAML", change)
    assert edited.fault is None
    for key in document:
        assert f"# above {key}\n" in edited.value
        assert (f"# beside {key}\n" in edited.value) is not (key in change and change[key] is None)


@settings(max_examples=50, deadline=None)
@given(OBJECTS.filter(bool), OBJECTS, st.sampled_from([None, 1, 4, "\t"]))
def test_json_is_changed_to_what_the_patch_means(document, change, indent):
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    expected = merge.apply(document, change).value
    assert changed(text, "JSON", change).value == (json.dumps(expected, indent=indent, ensure_ascii=False))


@settings(max_examples=50, deadline=None)
@given(JSON, st.booleans())
def test_a_field_is_read_as_a_file_would_be(document, flow):
    text = yaml.safe_dump(document, default_flow_style=flow, allow_unicode=True)
    root = read(text)
    assert same(root.value if root else None, yaml_value(text))


@pytest.mark.parametrize("text", ["a: 0644\nb: 0o17\nc: y\nd: 2024-01-01\ne: !!str 5\nf: 1_000\n? g\n: 1e3\n08: x\n"])
def test_scalars_of_a_field_mean_what_they_mean_in_a_file(text):
    assert same(read(text).value, yaml_value(text))


def test_random_bytes_are_told_and_never_raise():
    for text in ("\x00", "\ud800", "%YAML 9.9\n---\na", "!<tag:x> a", "- - -\n -", "a\n\tb: 1"):
        try:
            read(text)
        except NotReadable:
            continue
