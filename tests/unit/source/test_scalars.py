"""Scalars as kubectl reads them; tests/oracle asks kubectl itself, these run without it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model import scalars


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0644", 420),
        ("0o644", 420),
        ("08", 8),
        ("0x1F", 31),
        ("-0b11", -3),
        ("0b-1", -1),
        ("1_000", 1000),
        ("1e3", 1000),
        ("1.0", 1),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e400", "1e400"),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", float(2**63)),
        ("1234567890123456789.0", 1234567890123456800),
        ("2024-01-01", "2024-01-01"),
        ("12:30:00", "12:30:00"),
        ("1.2.3", "1.2.3"),
        ("yes", True),
        ("y", True),
        ("Off", False),
        ("yEs", "yEs"),
        ("~", None),
        ("", None),
        ("nULL", "nULL"),
        ("-", "-"),
        ("_1", "_1"),
    ],
)
def test_unquoted_scalar_means_what_it_means_to_kubectl(text: str, value: scalars.Scalar) -> None:
    found = scalars.plain(text)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("text", "key"),
    [("1", "1"), ("010", "8"), ("1.5", "1.5"), ("1e6", "1e+06"), ("1e3", "1000"), ("0.00001", "1e-05"), ("on", "true")],
)
def test_key_is_spelt_as_kubectl_spells_it(text: str, key: str) -> None:
    assert scalars.key(scalars.plain(text), text) == key


@pytest.mark.parametrize(
    ("text", "value"), [("1" * 5000, "1" * 5000), ("-" + "9" * 300, -1e300), ("0x" + "f" * 9000, "0x" + "f" * 9000)]
)
def test_endless_numbers_are_no_trouble(text: str, value: scalars.Scalar) -> None:
    assert scalars.plain(text) == value


@given(st.text("0123456789_+-.eExXoObB", max_size=12))
def test_whatever_looks_like_a_number_is_read(text: str) -> None:
    value = scalars.plain(text)
    assert value is None or isinstance(value, int | float | str)
    assert scalars.key(value, text) is not None or value is None


def test_null_is_no_key() -> None:
    assert scalars.key(None, "~") is None


def test_contested_words_are_those_that_yaml_1_2_reads_as_text() -> None:
    assert sorted(word for word in scalars.CONTESTED if word.islower()) == ["n", "no", "off", "on", "y", "yes"]
