"""Line and column of a field, in documents of every shape."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.snapshot import Place, Problem
from reconciler.source.locate import locate

TEXT = b"""# licence
a: 1
b:
  c: [x, y, {d: z}]
  "e f": 2
---
list:
  - name: one
    value: 1
  -   name: two
merged: &m
  inner: 1
user:
  <<: *m
  own: 2
alias: *m
...
---
0644: octal
yes: true
"""


def at(content: bytes, document: int, *field: str | int) -> tuple[int, int]:
    problem = Problem(Place("f.yaml", document), field, "r", "m")
    (found,) = locate([problem], {"f.yaml": content})
    return found.line, found.column


@pytest.mark.parametrize(
    ("document", "field", "position"),
    [
        (0, (), (2, 1)),
        (0, ("a",), (2, 1)),
        (0, ("b", "c"), (4, 3)),
        (0, ("b", "c", 1), (4, 10)),
        (0, ("b", "c", 2, "d"), (4, 14)),
        (0, ("b", "e f"), (5, 3)),
        (0, ("b", "absent"), (3, 1)),
        (0, ("b", "c", 9), (4, 3)),
        (1, ("list", 0, "value"), (9, 5)),
        (1, ("list", 1), (10, 7)),
        (1, ("user", "inner"), (12, 3)),
        (1, ("user", "own"), (15, 3)),
        (1, ("alias", "inner"), (12, 3)),
        (2, ("420",), (19, 1)),
        (2, ("true",), (20, 1)),
        (7, ("a",), (1, 1)),
    ],
)
def test_position_of_a_field(document: int, field: tuple[str | int, ...], position: tuple[int, int]) -> None:
    assert at(TEXT, document, *field) == position


def test_position_in_a_json_stream_counts_from_the_start_of_the_file() -> None:
    stream = b'{"a": 1}\n  {"a": "\\ud83d\\ude00", "b": {\n"c": 2}}'
    assert at(stream, 1) == (2, 3)
    assert at(stream, 1, "b") == (2, 25)
    assert at(stream, 1, "b", "c") == (3, 1)


def test_position_before_a_syntax_error_is_found() -> None:
    assert at(b"a: 1\nb:\n  c: 2\nd: [\n", 0, "b", "c") == (3, 3)


def test_byte_order_mark_takes_no_column() -> None:
    assert at(b"\xef\xbb\xbfa: 1\n", 0, "a") == (1, 1)


def test_known_position_and_unknown_file_are_left_as_they_are() -> None:
    known = Problem(Place("a.yaml"), ("a",), "r", "m", line=7, column=3)
    unknown = Problem(Place("b.yaml"), ("a",), "r", "m")
    assert locate([unknown, known], {"a.yaml": b"a: 1"}) == (known, unknown)


_VALUES = st.recursive(
    st.sampled_from(["x", "'q'", "1", "~", "&a y", "*a"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(st.sampled_from("abc"), inner, max_size=3).map(
            lambda members: "{" + ", ".join(f"{key}: {value}" for key, value in members.items()) + "}"
        )
    ),
    max_leaves=8,
)


@settings(max_examples=40)
@given(
    st.lists(_VALUES | st.text(max_size=12), max_size=4).map("\n---\n".join),
    st.integers(0, 4),
    st.lists(st.sampled_from(["a", "b", "c", 0, 1, 2]), max_size=4),
)
def test_every_position_lies_inside_the_file(text: str, document: int, field: list[str | int]) -> None:
    line, column = at(text.encode("utf-8", "surrogatepass"), document, *field)
    breaks = text.count("\n") + text.count("\r") + text.count("\x85") + text.count("\u2028") + text.count("\u2029")
    assert 1 <= line <= breaks + 1
    assert 1 <= column <= max(map(len, text.split("\n"))) + 1
