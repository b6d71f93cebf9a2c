"""One annotation goes in and out of a file; every other character stays."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from reconciler.cli.annotation import edited
from reconciler.model.errors import UsageError

KEY = "reconciler.example/suspend"

LAYOUTS = {
    "flush-lists": "kind: A\nmetadata:\n  name: web  # the name\nspec:\n  feeds:\n  - {kind: B}\n  - kind: C\n",
    "indented-lists": "kind: A\nmetadata:\n    name: web\nspec:\n    feeds:\n      - kind: B\n      - 'C'\n",
    "comments-everywhere": (
        '# top\n---\n# first\nkind: A # a\n\nmetadata: # m\n  # before the name\n  name: "web"\n  # after\n# end\n'
    ),
    "annotations-already": (
        "metadata:\n  name: web\n  annotations:   # notes\n    # who\n    owner: 'us'\n    z: \"1\"\nkind: A\n"
    ),
    "empty-annotations": "kind: A\nmetadata: {name: web, annotations: {}}\n",
    "annotations-without-value": "kind: A\nmetadata:\n  annotations:\n  name: web\n",
    "flow-metadata": "kind: A\nmetadata: {name: web, namespace: default}   # one line\n",
    "flow-annotations": "kind: A\nmetadata:\n  name: web\n  annotations: {owner: us, }\n",
    "long-lines": "kind: A\nmetadata:\n  name: web\nnote: " + "word " * 60 + 'end\nquoted: "' + "x " * 80 + '"\n',
    "block-scalars": (
        "kind: A\nmetadata:\n  labels:\n    text: |-\n      a\n\n      b\n  name: web\nlast: >\n  folded\n  text\n"
    ),
    "windows-line-ends": "kind: A\r\nmetadata:\r\n  name: web\r\nspec:\r\n  text: |\r\n    a\r\n",
    "byte-order-mark": "\ufeffkind: A\nmetadata:\n  name: web\n",
    "no-last-line-end": "metadata:\n  labels: {a: b}\n  name: web",
    "json": json.dumps({"kind": "A", "metadata": {"name": "web"}, "spec": [1, 2]}),
    "pretty-json": json.dumps({"kind": "A", "metadata": {"name": "web", "labels": {"a": "b"}}}, indent=2) + "\n",
    "anchors-elsewhere": "kind: A\nmetadata:\n  name: web\n  labels: &l {a: b}\nspec:\n  labels: *l\n",
}


def read(text: str) -> list:
    return list(YAML(typ="safe", pure=True).load_all(text.removeprefix("\ufeff")))


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS)
def test_setting_adds_the_annotation_and_keeps_every_line(text: str) -> None:
    changed = edited(text, 0, -1, KEY, "true")
    assert read(changed)[0]["metadata"]["annotations"][KEY] == "true"
    if not text.lstrip().startswith("{") and "{name" not in text and "annotations:" not in text:
        kept = changed.splitlines(keepends=True)
        added = [line for line in kept if "annotations:" in line or KEY in line]
        assert [line for line in kept if line not in added] == text.splitlines(keepends=True)
        assert len(added) == 2


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS)
def test_removing_what_was_set_gives_the_bytes_that_were_there(text: str) -> None:
    back = edited(edited(text, 0, -1, KEY, "true"), 0, -1, KEY, None)
    if "annotations: {}" in text or "annotations:\n" in text:
        assert read(back)[0]["metadata"] == {"name": "web"}
    else:
        assert back == text


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS)
def test_doing_it_twice_changes_nothing_more(text: str) -> None:
    once = edited(text, 0, -1, KEY, "true")
    assert edited(once, 0, -1, KEY, "true") == once
    assert edited(text, 0, -1, KEY, None) == text


@given(
    chosen=st.lists(
        st.sampled_from(sorted(set(LAYOUTS) - {"byte-order-mark", "windows-line-ends"})), min_size=1, max_size=4
    ),
    data=st.data(),
)
@hypothesis_settings(max_examples=25)
def test_only_the_named_document_of_a_stream_changes(chosen: list[str], data: st.DataObject) -> None:
    documents = [LAYOUTS[name].removeprefix("# top\n---\n").rstrip("\n") + "\n" for name in chosen]
    number = data.draw(st.integers(0, len(documents) - 1))
    text = "---\n".join(documents)
    changed = edited(text, number, -1, KEY, "true").split("---\n")
    for position, document in enumerate(documents):
        assert (changed[position] == document) is (position != number)


def test_an_item_of_a_list_is_edited_where_it_stands() -> None:
    text = "kind: List\nitems:\n- metadata:\n    name: a\n- metadata: # b\n    name: b\n"
    changed = edited(text, 0, 1, KEY, "true")
    assert [item["metadata"].get("annotations") for item in read(changed)[0]["items"]] == [None, {KEY: "true"}]
    assert edited(changed, 0, 1, KEY, None) == text


def test_another_value_is_replaced_in_its_place() -> None:
    text = f"metadata:\n  annotations:\n    {KEY}: 'false'   # for now\n"
    assert edited(text, 0, -1, KEY, "true") == text.replace("'false'", '"true"')


@pytest.mark.parametrize(
    "text",
    [
        "shared: &s\n  owner: us\nmetadata:\n  name: web\n  annotations: *s\n",
        "metadata:\n  name: web\n  annotations: &s\n    owner: us\nspec:\n  annotations: *s\n",
        "metadata: &m\n  name: web\nspec: *m\n",
        "- no mapping\n",
        "metadata: [no, mapping]\n",
        "metadata: {name: web\n",
    ],
    ids=["alias", "anchor-used-elsewhere", "metadata-used-elsewhere", "sequence", "no-metadata", "broken"],
)
def test_an_edit_that_would_change_something_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="layout"):
        edited(text, 0, -1, KEY, "true")
