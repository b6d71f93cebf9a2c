"""Paths and bytes of rendered objects: injective, legible, stable, and read back with identical meaning."""

import json
import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.objects import ObjectKey
from reconciler.planning import filenames
from reconciler.source import documents

texts = st.text(max_size=40) | st.from_regex(r"[A-Za-z0-9._:-]{1,260}", fullmatch=True)
keys = st.builds(ObjectKey, texts, texts, texts, texts)


@pytest.mark.parametrize(
    ("key", "path"),
    [
        (ObjectKey("apps", "Deployment", "web", "nginx"), "default/web/web/deployment.apps_nginx.yaml"),
        (ObjectKey("", "ConfigMap", "web", "a.b"), "default/web/web/config-map_a.b.yaml"),
        (ObjectKey("", "Namespace", "", "web"), "default/web/_cluster/namespace_web.yaml"),
        (
            ObjectKey("apiregistration.k8s.io", "APIService", "", "v1"),
            "default/web/_cluster/api_service.apiregistration.k8s.io_v1.yaml",
        ),
        (ObjectKey("x.io", "ServiceCIDR", "", "c"), "default/web/_cluster/service-cidr_.x.io_c.yaml"),
    ],
    ids=lambda value: value.kind if isinstance(value, ObjectKey) else "",
)
def test_ordinary_objects_have_legible_paths(key: ObjectKey, path: str) -> None:
    assert filenames.path_of("default/web", key) == path


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ObjectKey("", "Role", "", "system:a"), ObjectKey("", "Role", "", "system-a")),
        (ObjectKey("", "Role", "", "Admin"), ObjectKey("", "Role", "", "admin")),
        (ObjectKey("", "AB", "", "x"), ObjectKey("", "Ab", "", "x")),
        (ObjectKey("", "ABc", "", "x"), ObjectKey("", "AbC", "", "x")),
        (ObjectKey("", "Role", "", "x" * 250 + "a"), ObjectKey("", "Role", "", "x" * 250 + "b")),
        (ObjectKey("", "Role", "_cluster", "x"), ObjectKey("", "Role", "", "x")),
        (ObjectKey("", "Role.a", "", "x"), ObjectKey("a.b", "Role", "", "x")),
        (ObjectKey("", "Role", "", "b_c"), ObjectKey("", "Role_b", "", "c")),
    ],
)
def test_objects_that_look_alike_have_different_files(one: ObjectKey, other: ObjectKey) -> None:
    assert filenames.path_of("a/b", one).lower() != filenames.path_of("a/b", other).lower()


@settings(max_examples=60)
@given(st.lists(keys, min_size=2, max_size=6, unique=True))
def test_no_two_objects_share_a_path_where_case_is_ignored(several: list[ObjectKey]) -> None:
    paths = [filenames.path_of("a/b", key) for key in several]
    assert len({path.casefold() for path in paths}) == len(several)
    for path in paths:
        parts = path.split("/")
        assert len(parts) == 4
        assert all(len(part.encode()) <= 200 and re.fullmatch(r"[-a-z0-9_.~]+", part) for part in parts)
        assert not any(part.startswith(".") or part.endswith(".") for part in parts)


TRICKY = [
    "yes",
    "y",
    "n",
    "on",
    "Off",
    "NO",
    "true",
    "null",
    "~",
    "0644",
    "0o644",
    "1e3",
    "1_000",
    "0x1F",
    ".5",
    "+.inf",
    ".NaN",
    "12:30:00",
    "2024-01-01",
    "2024-01-01T00:00:00Z",
    "=",
    "<<",
    "-",
    "--",
    "---",
    "...",
    "#",
    "&",
    "*",
    "!",
    "|",
    ">",
    "%",
    "@",
    "`",
    "?",
    ":",
    "[",
    "]",
    "{",
    "}",
    ",",
    "1",
    "-1",
    "+1",
    "1.0",
    "0b11",
    "08",
    "0.",
    "1.",
    "._",
    "_1",
    "e3",
    "nan",
    "Infinity",
    "y:",
    "a:",
    "a:b",
    "#a",
    "a#b",
]
tricky = st.sampled_from(
    [*TRICKY, "", " a", "a ", "a b", "a: b", "a #b", "a\nb", "a\nb\n", "\na", "a \nb", "\ta\n", "x\n\ty\n", "a\n\n\n"]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(-1e15, 1e15)
    | tricky
    | st.text(st.characters(codec="utf-8"), max_size=20)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(tricky | st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def spelt(value: object) -> str:
    """A value as JSON, where 1.0 and 1 are the same number but true is none."""
    return json.dumps(json.loads(json.dumps(value), parse_float=_number), sort_keys=True)


def _number(text: str) -> int | float:
    return int(float(text)) if float(text).is_integer() else float(text)


@settings(max_examples=60)
@given(st.dictionaries(tricky, values, max_size=4))
def test_what_is_written_is_what_readers_of_yaml_read(obj: dict[str, object]) -> None:
    written = filenames.serialise(obj)
    read = yaml.load(written, Loader=yaml.CSafeLoader)
    ours = documents.everything(written)
    assert spelt(read) == spelt(obj)
    assert [spelt(found.value) for found in ours.documents] == [spelt(obj)]
    assert not ours.faults


@pytest.mark.parametrize("text", TRICKY)
def test_text_that_a_reader_could_mistake_is_quoted(text: str) -> None:
    plain = filenames.serialise({"a": text}) == f"a: {text}\n".encode()
    assert plain == (text in {"a:b", "_1", "e3", "Infinity"})


def test_equal_objects_have_equal_bytes_and_identity_comes_first() -> None:
    one = {
        "spec": {"b": 1, "a": [{"image": "x", "name": "c"}]},
        "kind": "K",
        "apiVersion": "v1",
        "metadata": {"name": "m"},
    }
    other = {key: one[key] for key in reversed(one)}
    assert filenames.serialise(one) == filenames.serialise(other)
    assert filenames.serialise(one).decode() == (
        "apiVersion: v1\nkind: K\nmetadata:\n  name: m\nspec:\n  a:\n  - name: c\n    image: x\n  b: 1\n"
    )


def test_lines_of_a_file_inside_an_object_stay_lines() -> None:
    assert filenames.serialise({"data": {"f": "a\n  b\nü\n"}}).decode() == "data:\n  f: |\n    a\n      b\n    ü\n"


def test_shared_structure_is_written_out() -> None:
    shared = {"a": "b"}
    assert b"&" not in filenames.serialise({"x": shared, "y": shared})


def test_digest_is_gits_id_of_the_content() -> None:
    assert filenames.digest(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"
