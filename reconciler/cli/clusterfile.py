"""A ManagedCluster in the text of a YAML or JSON file, edited by ruamel.yaml: what the author wrote beside it stays.

Only the document that holds the cluster is written anew, and only when it says something else; comments, order, quotes
and members that the export does not own are kept. The result is read again, so that an edit that went wrong is refused.
"""

import io
import json
import re
from collections.abc import Mapping, MutableMapping
from itertools import pairwise
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from reconciler.model import scalars
from reconciler.model.errors import UsageError
from reconciler.planning import filenames
from reconciler.registry.export import WHOLE
from reconciler.source import documents

HEAD = "# Written by `reconciler cluster export` from what the hub knows of this cluster.\n"
_START = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_DASH = re.compile(r"^( *)[^\s#-][^\n]*:[ \t]*\n( *)- ", re.MULTILINE)
_WIDTH = 1 << 16


def new(wanted: Mapping[str, Any]) -> str:
    """The text of a file with one cluster."""
    node: dict[str, Any] = {name: wanted[name] for name in ("apiVersion", "kind")}
    for part in ("metadata", "spec", "status"):
        node[part] = {name: value for name, value in wanted[part].items() if value or (part, name) not in WHOLE}
    return HEAD + filenames.serialise(node).decode()


def edited(text: str, namespace: str, name: str, wanted: Mapping[str, Any]) -> str:
    """The text with one cluster brought to what is wanted; the same text when it says so already.

    UsageError when the layout of the file does not allow it.
    """
    starts = sorted({0, *(match.start() for match in _START.finditer(text)), len(text)})
    parts = [text[a:b] for a, b in pairwise(starts)]
    try:
        for number, part in enumerate(parts):
            changed = _part(part, namespace, name, wanted)
            if changed is not None:
                result = "".join([*parts[:number], changed, *parts[number + 1 :]])
                return result if _sound(text, result) else _refuse()
    except (YAMLError, ValueError):
        return _refuse()
    return _refuse()


def _refuse() -> str:
    raise UsageError("not-editable", "the layout of that file does not allow to write a cluster into it", "rewrite it")


def _part(part: str, namespace: str, name: str, wanted: Mapping[str, Any]) -> str | None:
    """One document with the cluster brought up to date; None when it does not hold the cluster."""
    head = part[: part.index("\n") + 1] if part.startswith("---") and "\n" in part else ""
    body = part[len(head) :]
    if body.lstrip().startswith("{"):
        whole = json.loads(body)
        node = _held(whole, namespace, name)
        if node is None:
            return None
        return head + json.dumps(whole, indent=2, ensure_ascii=False) + "\n" if lay(node, wanted) else part
    yaml = _yaml(body)
    whole = yaml.load(body.replace("\r\n", "\n"))
    node = _held(whole, namespace, name)
    if node is None:
        return None
    if not lay(node, wanted):
        return part
    written = _dumped(yaml, whole)
    return head + (written.replace("\n", "\r\n") if "\r\n" in body else written)


def _held(whole: Any, namespace: str, name: str) -> MutableMapping[str, Any] | None:
    """The cluster in a document, or in a List."""
    if not isinstance(whole, MutableMapping):
        return None
    items = whole.get("items")
    for one in (whole, *(items if isinstance(items, list) else ())):
        if not isinstance(one, MutableMapping) or one.get("kind") != "ManagedCluster":
            continue
        metadata = one.get("metadata") or {}
        if (metadata.get("namespace") or "default", metadata.get("name")) == (namespace, name):
            return one
    return None


def lay(node: MutableMapping[str, Any], wanted: Mapping[str, Any], path: tuple[str, ...] = ()) -> bool:
    """Bring a mapping to what is wanted, in place; whether anything was to be changed."""
    changed = False
    owned = any(path[: len(whole)] == whole for whole in WHOLE)
    for key in [key for key in node if owned and key not in wanted]:
        del node[key]
        changed = True
    for key, value in wanted.items():
        there, here = node.get(key), (*path, key)
        if not value and here in WHOLE:
            changed |= key in node
            node.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(there, MutableMapping):
            changed |= lay(there, value, here)
        elif key == "conditions" and _ready(there, value):
            continue
        elif key not in node or there != value:
            node[key] = _quoted(value)
            changed = True
    return changed


def _ready(there: Any, wanted: Any) -> bool:
    """Whether the conditions say that the cluster is, or is not, ready; whatever else they say."""
    known = {c.get("type"): c.get("status") for c in there or () if isinstance(c, Mapping)}
    return all(known.get(condition["type"]) == condition["status"] for condition in wanted)


def _quoted(value: Any) -> Any:
    """Text that kubectl would read as something else, in quotes: ruamel.yaml follows YAML 1.2."""
    if isinstance(value, Mapping):
        return {_quoted(key): _quoted(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_quoted(one) for one in value]
    if isinstance(value, str) and scalars.plain(value) != value:
        return DoubleQuotedScalarString(value)
    return value


def _yaml(text: str) -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = _WIDTH
    found = _DASH.search(text)
    inner = len(found[2]) - len(found[1]) if found else 2
    yaml.indent(mapping=2, sequence=inner + 2, offset=inner)
    return yaml


def _dumped(yaml: YAML, value: Any) -> str:
    stream = io.StringIO()
    yaml.dump(value, stream)
    return stream.getvalue()


def _sound(before: str, after: str) -> bool:
    """Whether the new text can be read, and says the same about everything but clusters."""
    old, new = documents.parse(before.encode()), documents.parse(after.encode())

    def others(parsed: documents.ParsedFile) -> list[Any]:
        return [one.value for one in parsed.documents if one.value.get("kind") not in ("ManagedCluster", "List")]

    return len(new.faults) <= len(old.faults) and others(old) == others(new)
