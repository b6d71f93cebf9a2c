"""Quantities are exact and written as Kubernetes writes them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.quantity import Format, Quantity, parse, total

SUFFIXES = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3", "E-3", "e0"]
WEIGHT = {
    "n": -9,
    "u": -6,
    "m": -3,
    "": 0,
    "k": 3,
    "M": 6,
    "G": 9,
    "T": 12,
    "P": 15,
    "E": 18,
    "e3": 3,
    "E-3": -3,
    "e0": 0,
}
texts = st.builds(
    lambda sign, whole, part, suffix: f"{sign}{whole}{part}{suffix}",
    st.sampled_from(["", "-", "+"]),
    st.integers(0, 10**7).map(str),
    st.one_of(st.just(""), st.integers(0, 999).map(lambda n: f".{n}")),
    st.sampled_from(SUFFIXES),
)
whole = st.builds(lambda number, suffix: f"{number}{suffix}", st.integers(0, 10**6), st.sampled_from(SUFFIXES))


def value(text: str) -> Fraction:
    """What a quantity means, by another way than the one under test."""
    for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1):
        if text.endswith(suffix):
            return Fraction(text[:-2]) * 1024**power
    suffix = max((s for s in WEIGHT if text.endswith(s)), key=len)
    return Fraction(text.removesuffix(suffix)) * Fraction(10) ** WEIGHT[suffix]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("0", "0"),
        ("4", "4"),
        ("4000m", "4"),
        ("0.5", "500m"),
        ("1500m", "1500m"),
        ("1000", "1k"),
        ("1024", "1024"),
        ("1Ki", "1Ki"),
        ("1024Ki", "1Mi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Ki", "512"),
        ("1.1Ki", "1126400m"),
        ("1e3", "1e3"),
        ("100e1", "1e3"),
        ("1E", "1E"),
        ("-1500m", "-1500m"),
        (".5", "500m"),
        ("5.", "5"),
        ("0.1n", "1n"),
        ("1000E", "1000E"),
    ],
)
def test_is_written_in_its_shortest_form(text: str, written: str) -> None:
    assert str(parse(text)) == written


@pytest.mark.parametrize("text", ["", "-", ".", "1.2.3", "1 Gi", "1KI", "1ki", "Gi", "0x10", "1e", "1e1234", "٣"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        parse(text)


@given(texts)
def test_reading_is_exact_to_a_billionth(text: str) -> None:
    exact = value(text) * 10**9
    read = parse(text).billionths
    assert abs(read) == -(-abs(exact.numerator) // exact.denominator)
    assert read * exact >= 0


@given(whole)
def test_what_was_written_means_the_same(text: str) -> None:
    assert parse(str(parse(text))).billionths == parse(text).billionths


@given(texts)
def test_writing_what_was_written_changes_nothing(text: str) -> None:
    assert str(parse(str(parse(text)))) == str(parse(text))


@given(st.lists(whole, max_size=6))
def test_sums_lose_nothing(addends: list[str]) -> None:
    assert value(total(addends)) == sum(map(value, addends), Fraction(0))


@given(st.lists(st.integers(0, 10**9).map(lambda n: f"{n}Ki"), min_size=1, max_size=6), st.randoms())
def test_order_of_addends_of_one_format_does_not_matter(addends: list[str], random: object) -> None:
    shuffled = sorted(addends, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert total(shuffled) == total(addends)


def test_a_sum_is_written_as_its_first_addend_that_is_not_zero() -> None:
    assert total(["0", "8Gi", "1000"]) == str(
        Quantity(parse("8Gi").billionths + parse("1000").billionths, Format.BINARY)
    )
    assert total(["0", "1G", "1Gi"]) == "2073741824"


def test_no_addends_make_zero() -> None:
    assert total([]) == "0"
