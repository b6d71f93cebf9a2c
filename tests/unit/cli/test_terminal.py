"""Tables fit, whatever is in them, and lose nothing."""

from __future__ import annotations

import re

import click
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from reconciler.cli import terminal
from reconciler.model.errors import UsageError
from reconciler.sync.selection import parse_selector

WORDS = st.text("abcdefghij-./:", min_size=1, max_size=45)
NAMES = st.text("abcdefghij-", min_size=1, max_size=63)
ROWS = st.lists(
    st.tuples(NAMES, NAMES, st.sampled_from(["3", "12000"]), st.lists(WORDS, max_size=12).map(" ".join)), max_size=6
)
HEADERS = ("CLUSTER", "SUBSCRIPTION", "OBJECTS", "MESSAGE")


@given(ROWS, st.integers(60, 200))
@hypothesis_settings(max_examples=40)
def test_no_line_is_wider_than_the_screen(rows: list[tuple[str, ...]], columns: int) -> None:
    table = terminal.table(HEADERS, rows, columns)
    assert max(map(len, table.splitlines())) <= columns
    assert not any(line != line.rstrip() for line in table.splitlines())


@given(ROWS)
@hypothesis_settings(max_examples=40)
def test_no_word_is_lost_or_broken(rows: list[tuple[str, ...]]) -> None:
    told = terminal.table(HEADERS, rows, 80).split()
    for row in rows:
        for word in row[-1].split():
            assert word in told


def test_words_stand_beside_their_row_where_there_is_room_and_below_it_where_there_is_none() -> None:
    message = "the server says no, in words that go on"
    assert terminal.table(("A", "WHY"), [("x", message)], 60).splitlines() == ["A  WHY", f"x  {message}"]
    below = terminal.table(("A", "WHY"), [("x" * 50, message), ("y", "")], 60).splitlines()
    assert below == ["A", "x" * 50, f"    {message}", "y"]


def test_a_column_of_words_without_any_is_left_out() -> None:
    assert terminal.table(("A", "B", "MESSAGE"), [("1", "2", "")], 80) == "A  B\n1  2"


def test_colours_take_no_columns() -> None:
    red = click.style("bad", fg="red")
    lines = terminal.table(("STATE", "N", "MESSAGE"), [(red, "1", "why"), ("fine", "2", "")], 80).splitlines()
    assert [click.unstyle(line) for line in lines] == ["STATE  N  MESSAGE", "bad    1  why", "fine   2"]


def test_replicas_are_told_by_name_or_where_names_are_alike_by_key() -> None:
    assert terminal.replicas({"apps/v1/Deployment/a/web": 2, "apps/v1/Deployment/a/db": 1}) == "web=2, db=1"
    alike = {"apps/v1/Deployment/a/web": 2, "apps/v1/StatefulSet/a/web": 1}
    assert terminal.replicas(alike) == "apps/v1/Deployment/a/web=2, apps/v1/StatefulSet/a/web=1"


@pytest.mark.parametrize(
    ("text", "operators"),
    [
        ("env=prod,tier!=db", ["In", "NotIn"]),
        ("env in (a, b),!gone,there", ["In", "DoesNotExist", "Exists"]),
        ("env notin (a)", ["NotIn"]),
        ("", []),
        ("env==prod", ["In"]),
    ],
    ids=str,
)
def test_selectors_are_read_as_kubectl_reads_them(text: str, operators: list[str]) -> None:
    assert [term.operator for term in parse_selector(text).match_expressions or ()] == operators


@pytest.mark.parametrize("text", ["env in prod", "=x", "a b", "a,,b", "env in ()x", "a=b c=d", ","], ids=repr)
def test_what_is_no_selector_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match=re.escape(repr(text))) as refused:
        parse_selector(text)
    assert "env=prod" in refused.value.hint
