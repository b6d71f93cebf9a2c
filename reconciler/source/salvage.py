"""What a document that is not YAML says about its identity, taken from its lines.

Only used to say which Subscriptions a broken document concerns; nothing is ever delivered from it.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

_TYPE: Final = re.compile(rb"^(apiVersion|kind):[ \t]*[\"']?([\w./-]+)", re.MULTILINE)
_METADATA: Final = re.compile(rb"^metadata:[^\n\S]*(?:#[^\n]*)?\n((?:[ \t]+[^\n]*\n|\n)+)", re.MULTILINE)
_NAMES: Final = re.compile(rb"^([ \t]+)(name|namespace):[ \t]*[\"']?([\w.-]+)", re.MULTILINE)


def identity(content: bytes, read: Any) -> dict[str, Any]:
    """`apiVersion`, `kind`, name and namespace from the text of a document, under what the parser has `read` of it."""
    found: dict[str, Any] = {key.decode(): value.decode("utf-8", "replace") for key, value in _TYPE.findall(content)}
    names: dict[str, Any] = {}
    block = _METADATA.search(content)
    if block is not None:
        for _, key, value in reversed(_outermost(_NAMES.findall(block[1]))):
            names[key.decode()] = value.decode("utf-8", "replace")
    if not isinstance(read, Mapping):
        return {**found, "metadata": names}
    metadata = read.get("metadata")
    return {**found, **read, "metadata": {**names, **metadata} if isinstance(metadata, Mapping) else names}


def _outermost(lines: list[tuple[bytes, bytes, bytes]]) -> list[tuple[bytes, bytes, bytes]]:
    """Lines of the least indentation: deeper ones belong to labels and annotations."""
    least = min((len(indent) for indent, _, _ in lines), default=0)
    return [line for line in lines if len(line[0]) == least]
