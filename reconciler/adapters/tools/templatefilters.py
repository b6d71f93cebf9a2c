"""The filters that templates have beside jinja2's own: values as YAML, JSON, base64 and quoted text.

Imported by the worker, which runs in an interpreter of its own with nothing but the standard library and jinja2. Same
value, same text: mappings keep the order of their keys.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reconciler.adapters.tools.templatevariables import is_unknown, plain

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*")
_WORDS = frozenset({"y", "yes", "n", "no", "true", "false", "on", "off", "null"})
_CONTROL = re.compile("[\x7f-\x9f\ufeff\ufffe\uffff\u2028\u2029]")


class NotText(Exception):
    """A value that cannot be written: a function, a number that is none."""


def to_json(value: Any) -> str:
    """JSON on one line; keys in their order."""
    try:
        return _escaped(json.dumps(plain(_known(value)), ensure_ascii=False, separators=(",", ":"), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise NotText from error


def quote(value: Any) -> str:
    """Text in double quotes, as YAML and JSON read it; what is no text is written as text first."""
    text = value if isinstance(value, str) else to_json(value)
    return _escaped(json.dumps(str(_known(text)), ensure_ascii=False))


def to_yaml(value: Any) -> str:
    """YAML in block style, without a line break at its end."""
    checked = json.loads(to_json(value))
    return "\n".join(_lines(checked))


def b64encode(value: Any) -> str:
    """Base64 of the UTF-8 bytes of a text."""
    return base64.b64encode(str(_known(value)).encode("utf-8", "replace")).decode("ascii")


def nindent(value: Any, width: int = 4) -> str:
    """A line break, then every line that is not empty behind that many spaces."""
    space = " " * width
    return "\n" + "\n".join(space + line if line else line for line in str(_known(value)).split("\n"))


FILTERS: Mapping[str, Callable[..., str]] = {
    "to_json": to_json,
    "toJson": to_json,
    "tojson": to_json,
    "to_yaml": to_yaml,
    "toYaml": to_yaml,
    "b64encode": b64encode,
    "nindent": nindent,
    "quote": quote,
}


def written(value: Any) -> Any:
    """How `{{ value }}` is written: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else to_json(value)


def _escaped(text: str) -> str:
    """JSON without the characters that YAML reads as something else, which can only stand inside of strings."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _known(value: Any) -> Any:
    if is_unknown(value):
        str(value)  # raises what the variable knows of itself
    return value


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, member in value.items():
            yield from _member(_scalar(key) + ":", member, deeper="  ")
    elif isinstance(value, list) and value:
        for member in value:
            inner = list(_lines(member))
            yield "- " + inner[0]
            yield from ("  " + line for line in inner[1:])
    else:
        yield _scalar(value)


def _member(key: str, value: Any, deeper: str) -> Iterator[str]:
    if isinstance(value, dict | list) and value:
        yield key
        space = deeper if isinstance(value, dict) else ""
        yield from (space + line for line in _lines(value))
    else:
        yield f"{key} {_scalar(value)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) and value.casefold() not in _WORDS else quote(value)
    return json.dumps(value)
