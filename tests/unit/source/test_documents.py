"""Files to documents: what survives a fault, where faults are, and that nothing but bytes matters."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.source import documents
from reconciler.source.documents import ParsedFile

OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {}}}\n"
A, B, C = (OBJECT.format(name) for name in "abc")


def names(parsed: ParsedFile) -> list[tuple[int, str, bool]]:
    return [(d.index, d.value.get("metadata", {}).get("name", ""), d.broken) for d in parsed.documents]


def faults(content: str | bytes) -> list[str]:
    parsed = documents.parse(content if isinstance(content, bytes) else content.encode())
    return [f"{found.index} {found.fault.rule} {found.fault.line}:{found.fault.column}" for found in parsed.faults]


def test_documents_around_a_broken_one_are_read() -> None:
    parsed = documents.parse(f"{A}---\n{B}data: [\n---\n{C}".encode())
    assert names(parsed) == [(0, "a", False), (1, "b", True), (2, "c", False)]
    assert faults(f"{A}---\n{B}data: [\n---\n{C}") == ["1 yaml-syntax 8:7"]


def test_broken_document_keeps_only_its_identity() -> None:
    content = f"{A}data: {{secret: hunter2}}\ndata: {{secret: hunter3}}\n"
    (document,) = documents.parse(content.encode()).documents
    assert document.value == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}


def test_identity_is_salvaged_from_the_text_before_and_behind_an_open_quote() -> None:
    content = 'apiVersion: v1\nmetadata:\n  name: "a\n  namespace: b\n  labels:\n    name: c\nkind: Secret\n'
    (document,) = documents.parse(content.encode()).documents
    assert document.value == {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "b"}}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param("a: 1\na: 2\n", ["0 yaml-duplicate-key 2:1"], id="duplicate key"),
        pytest.param("a: {b: 1, c: 2, b: 3}\n", ["0 yaml-duplicate-key 1:17"], id="duplicate key in flow"),
        pytest.param(
            "a: 1\n---\nb: {c: 1,\n  c: 2}\n", ["1 yaml-duplicate-key 4:3"], id="duplicate key in second document"
        ),
        pytest.param("a: .nan\n", ["0 yaml-number 1:4"], id="NaN"),
        pytest.param("a: *b\n", ["0 yaml-alias 1:4"], id="unknown alias"),
        pytest.param("a: &b [*b]\n", ["0 yaml-alias 1:8"], id="alias in itself"),
        pytest.param("[a]: b\n", ["0 yaml-key 1:1"], id="list as key"),
        pytest.param("a: !!int b\n", ["0 yaml-tag 1:4"], id="tag that does not fit"),
        pytest.param("a: '\n", ["0 yaml-syntax 1:4"], id="open quote"),
        pytest.param("a:\n\tb: 1\n", ["0 yaml-syntax 2:1"], id="tab"),
        pytest.param(b"a: \xff\n", ["0 yaml-encoding 1:4"], id="not UTF-8"),
        pytest.param(b"a: 1\nb: \x00\n", ["0 yaml-encoding 2:4"], id="NUL"),
        pytest.param(b"\xff\xfea\x00", ["0 yaml-encoding 1:1"], id="UTF-16"),
        pytest.param('{"a": 1,\n "a": 2}', ["0 yaml-duplicate-key 2:2"], id="duplicate key in JSON"),
        pytest.param('{"a": NaN}', [], id="NaN in JSON is text in YAML"),
        pytest.param("[" * 300, ["0 yaml-expansion 1:201"], id="too deep"),
        pytest.param("{" * 100_000, ["0 yaml-expansion 1:201"], id="absurdly deep"),
        pytest.param('{"a": ' + "1" * 5000 + "}", [], id="endless number in JSON"),
        pytest.param("a: yes\n", [], id="no object, no talk about truth values"),
        pytest.param(A + "on: yes\n", ["0 yaml-boolean 4:1", "0 yaml-boolean 4:5"], id="truth values"),
        pytest.param(A + "a: 'yes'\nb: true\nc: !!bool yes\n", [], id="clear truth values"),
    ],
)
def test_fault_has_rule_and_position(content: str | bytes, told: list[str]) -> None:
    assert faults(content) == told


def test_duplicate_key_names_the_line_of_the_first() -> None:
    (found,) = documents.parse(b"x:\n  a: 1\n  b: 2\n  a: 3\n").faults
    assert found.fault.message == "key 'a' is already set in line 2"
    assert found.fault.field == ("x", "a")


def test_merged_key_is_no_duplicate() -> None:
    parsed = documents.parse(f"{A}x: &x {{a: 1}}\nbehind: {{<<: *x, a: 2}}\nbefore: {{a: 3, <<: *x}}\n".encode())
    assert parsed.faults == ()
    assert parsed.documents[0].value["behind"] == {"a": 2}
    assert parsed.documents[0].value["before"] == {"a": 1}


def test_aliases_that_would_fill_the_memory_are_a_fault() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{b}: &{b} [{', '.join(['*' + a] * 10)}]" for a, b in zip("abcdefghij", "bcdefghijk", strict=True)]
    parsed = documents.parse((A + "\n".join(lines)).encode())
    assert [found.fault.rule for found in parsed.faults] == ["yaml-expansion"]
    assert len(msgspec.msgpack.encode(parsed)) < 500


def test_aliases_that_nest_without_end_are_a_fault() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n + 1}: &a{n + 1} [*a{n}]" for n in range(400))]
    parsed = documents.parse((A + "\n".join(lines)).encode())
    assert [found.fault.rule for found in parsed.faults] == ["yaml-expansion"]


def test_documents_of_a_json_stream_have_their_own_lines() -> None:
    parsed = documents.parse(b'{"apiVersion": "v1", "kind": "A"}\n{"apiVersion": "v1", "kind": "B"}')
    assert [(document.index, document.line) for document in parsed.documents] == [(0, 1), (1, 2)]


def test_empty_documents_are_counted_and_say_nothing() -> None:
    parsed = documents.parse(f"# comment\n---\n---\n{A}---\n~\n---\n{B}".encode())
    assert names(parsed) == [(1, "a", False), (3, "b", False)]


_PIECES = st.sampled_from(
    [
        "a",
        ":",
        " ",
        "\n",
        "-",
        "---\n",
        "...\n",
        "{",
        "}",
        "[",
        "]",
        '"',
        "'",
        "&x",
        "*x",
        "<<: ",
        "!!int ",
        "#",
        "\t",
        "? ",
        "|\n",
        "%YAML 1.1\n",
        "kind: ",
        "apiVersion: v1\n",
        "items:\n",
        "\r\n",
        "\r",
        "\u2028",
        "\ufeff",
        "\\u",
        ",",
    ]
)


@settings(max_examples=60)
@given(st.lists(_PIECES, max_size=40).map("".join))
def test_any_text_is_parsed_into_what_a_cache_can_hold(text: str) -> None:
    parsed = documents.parse(text.encode())
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(parsed), type=ParsedFile)
    assert again == parsed


@settings(max_examples=40)
@given(st.binary(max_size=200))
def test_any_bytes_are_parsed(content: bytes) -> None:
    lines = content.count(b"\n") + content.count(b"\r") + content.count(b"\xc2\x85") + content.count(b"\xe2\x80") + 1
    for found in documents.parse(content).faults:
        assert 1 <= found.fault.line <= lines
        assert found.fault.column >= 1
