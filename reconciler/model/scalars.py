"""What a YAML scalar means to kubectl: the YAML 1.1 rules of sigs.k8s.io/yaml (goyaml v2), then JSON's numbers.

Differences to PyYAML: base 8 as `0644` and `0o644`, binary, `08` is 8, `1e3` is 1000, dates and base-60 numbers stay
text, `y` and `n` are truth values. Whole floats become integers and integers beyond 64 bits floats, as on kubectl's way
through JSON.
"""

import base64
import binascii
import re
import struct
from decimal import Decimal
from functools import lru_cache

Scalar = None | bool | int | float | str

_PREFIX = "tag:yaml.org,2002:"
_WORDS: dict[str, Scalar] = (
    dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True)
    | dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False)
    | dict.fromkeys(("", "~", "null", "Null", "NULL"), None)
    | dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan"))
    | dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf"))
    | dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf"))
)
CONTESTED = frozenset(word for word, value in _WORDS.items() if isinstance(value, bool) and word[0] not in "tTfF")
"""Truth values to kubectl, text to kustomize and YAML 1.2."""

_FIRST = frozenset("+-.0123456789~yYnNtTfFoO")
_INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]*|0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+)\Z")
_SIGNED_BINARY = re.compile(r"0b[+-][01]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ]|\Z)")
_INT64 = 1 << 63
_DIGITS = 25
"""More decimal digits than 64 bits have."""
_EXACT = 1 << 53
_EXPONENTIAL = 1e21
"""Go writes larger floats with an exponent."""


class NotThisTag(ValueError):
    """A scalar does not fit its explicit tag."""


@lru_cache(maxsize=1 << 14)
def plain(text: str) -> Scalar:
    """The value of an unquoted scalar without a tag."""
    if not text:
        return None
    if text[0] not in _FIRST:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] == ".":
        return _float(text, text)
    return _number(text.replace("_", ""), text) if text[0] in "+-0123456789" else text


def _number(digits: str, text: str) -> Scalar:
    if _INTEGER.match(digits):
        return _integer(digits, text)
    if _FLOAT.match(digits):
        return _float(digits, text)
    if _SIGNED_BINARY.match(digits):
        # goyaml takes the sign behind the prefix too
        return int(digits[2:], 2)
    return text


def _integer(digits: str, text: str) -> Scalar:
    sign = -1 if digits[0] == "-" else 1
    bare = digits.lstrip("+-")
    octal = len(bare) > 1 and bare[0] == "0" and bare[1] in "01234567"
    if len(bare) > _DIGITS and bare[0] != "0":
        return _float(digits, text)  # Python refuses to convert thousands of decimal digits
    value = sign * (int(bare, 8) if octal else int(bare, 0))
    if -_INT64 <= value < _INT64:
        return value
    if 0 < value < 2 * _INT64 and digits[0] != "+":
        return float(value)
    return _float(digits, text)


def _float(digits: str, text: str) -> Scalar:
    if not _FLOAT.match(digits):
        return text
    value = float(digits)
    return text if value in (float("inf"), float("-inf")) else number(value)


def number(value: float) -> int | float:
    """A float as it comes back from kubectl's JSON: an integer when its shortest text is one that fits in 64 bits."""
    if not value.is_integer() or abs(value) >= _EXPONENTIAL:
        return value
    whole = int(value) if abs(value) < _EXACT else int(Decimal(repr(value)))
    return whole if -_INT64 <= whole < _INT64 else value


def tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar with an explicit tag; an unknown tag means text. Raises NotThisTag."""
    name = tag.removeprefix(_PREFIX) if tag.startswith(_PREFIX) else ""
    if name == "binary":
        return _binary(text)
    if name not in ("bool", "int", "float", "null", "timestamp"):
        return text
    if name == "timestamp":
        if _DATE.match(text):
            return text
        raise NotThisTag(f"not a date, as the tag !!{name} says")
    value = plain(text)
    if _kind(value, text) == name or (name == "float" and _kind(value, text) == "int"):
        return value
    raise NotThisTag(f"not a value that the tag !!{name} allows")


def _kind(value: Scalar, text: str) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else "bool"
    if isinstance(value, str):
        return "str"
    return "int" if _INTEGER.match(text.replace("_", "")) else "float"


def _binary(text: str) -> str:
    try:
        return base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True).decode("utf-8", "replace")
    except binascii.Error:
        raise NotThisTag("not base64, as the tag !!binary says") from None


def key(value: Scalar, text: str) -> str | None:
    """A mapping's key as kubectl spells it in JSON, from its value and text; None where there is no such key."""
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if _kind(value, text) == "int" else _shortest(value)


def _shortest(value: float) -> str:
    """Go's `FormatFloat(value, 'g', -1, 32)`: the shortest text that gives the same 32-bit float."""
    if value != value:
        return ".nan"
    try:
        single = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        single = value * float("inf")
    if single in (float("inf"), float("-inf")):
        return ".inf" if single > 0 else "-.inf"
    digits = next(
        n for n in range(1, 18) if struct.unpack("f", struct.pack("f", float(f"{single:.{n}g}")))[0] == single
    )
    mantissa, exponent = f"{single:.{digits - 1}e}".split("e")
    power = int(exponent)
    if -4 <= power < 6:
        return f"{single:.{max(digits - 1 - power, 0)}f}"
    return f"{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"
