"""Kubernetes quantities, exact: `500m`, `2Gi`, `3e9`. Read, add, and write as Kubernetes writes them.

An amount is a whole number of billionths, the finest that Kubernetes keeps; finer ones are rounded away from zero as
Kubernetes does. A sum takes the format of its first addend that is not zero.
"""

import enum
import re
from collections.abc import Iterable
from functools import lru_cache

import msgspec

_NANO = 10**9
_SYNTAX = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*))?(?:(?P<suffix>[KMGTPE]i|[numkMGTPE])|[eE](?P<exponent>[+-]?[0-9]{1,3}))?"
)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


class Format(enum.Enum):
    """How a quantity is written."""

    DECIMAL = "decimal"
    """Powers of ten with a letter: `m`, `k`, `M`."""
    BINARY = "binary"
    """Powers of 1024 with a letter: `Ki`, `Mi`."""
    EXPONENT = "exponent"
    """Powers of ten in digits: `e3`."""


class Quantity(msgspec.Struct, frozen=True):
    """An exact amount and how it is written; equal amounts in other formats are other values."""

    billionths: int
    format: Format = Format.DECIMAL

    def __add__(self, other: "Quantity") -> "Quantity":
        return Quantity(self.billionths + other.billionths, self.format if self.billionths else other.format)

    def __str__(self) -> str:
        # Kubernetes writes small and fractional amounts of the binary format in decimal, so that nothing is lost.
        if self.format is Format.BINARY and abs(self.billionths) >= 1024 * _NANO and self.billionths % _NANO == 0:
            return _binary(self.billionths // _NANO)
        mantissa, exponent = _thousands(self.billionths)
        if self.format is Format.EXPONENT:
            return f"{mantissa}e{exponent}" if exponent else str(mantissa)
        return f"{mantissa}{_SUFFIX[exponent]}"


ZERO = Quantity(0)


@lru_cache(maxsize=1 << 14)
def parse(text: str | int) -> Quantity:
    """Read a quantity as a server gives it. ValueError when it is none."""
    match = _SYNTAX.fullmatch(str(text))
    if match is None or not (match["whole"] or match["part"]):
        raise ValueError("not a quantity")
    part, suffix = match["part"] or "", match["suffix"] or ""
    digits = int(match["whole"] + part)
    if suffix in _BINARY[1:]:
        amount = _scaled(digits * 1024 ** _BINARY.index(suffix), 9 - len(part))
        format = Format.BINARY
    else:
        exponent = match["exponent"]
        amount = _scaled(digits, 9 - len(part) + (_DECIMAL[suffix] if exponent is None else int(exponent)))
        format = Format.DECIMAL if exponent is None else Format.EXPONENT
    return Quantity(-amount if match["sign"] == "-" else amount, format)


def total(quantities: Iterable[str | int]) -> str:
    """The sum as text; `0` when there is nothing to add."""
    return str(sum(map(parse, quantities), ZERO))


def _scaled(digits: int, power: int) -> int:
    """`digits` times 10^`power`, rounded up to a whole number. Not negative."""
    scale: int = 10 ** abs(power)
    return digits * scale if power >= 0 else -(-digits // scale)


def _binary(amount: int) -> str:
    """With the largest power of 1024 that leaves a whole number; not zero."""
    power = 0
    while amount % 1024 == 0 and power < len(_BINARY) - 1:
        amount, power = amount // 1024, power + 1
    return f"{amount}{_BINARY[power]}"


def _thousands(billionths: int) -> tuple[int, int]:
    """Mantissa and the largest exponent, a multiple of three of at most 18, that leaves a whole number."""
    mantissa, exponent = billionths, -9
    while mantissa and mantissa % 1000 == 0 and exponent < 18:
        mantissa, exponent = mantissa // 1000, exponent + 3
    return mantissa, exponent if mantissa else 0
