"""Bytes of a file to its documents, exactly as kubectl reads them; duplicate keys alone are stricter.

`parse` depends on nothing but the bytes, so its answer is remembered by blob id, across runs. A fault breaks one
document: the documents before it, and those behind the next `---`, are read all the same.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import msgspec
import yaml

from reconciler.model.snapshot import Place, Problem
from reconciler.source import jsonstream, kinds, valuetexts
from reconciler.source.composing import Composed, compose
from reconciler.source.rules import problem
from reconciler.source.syntax import Fault
from reconciler.source.valuetexts import ValueText

if not yaml.__with_libyaml__:  # pragma: no cover
    raise ImportError("PyYAML was built without libyaml; install the wheel of PyYAML, or libyaml before building it")


class Document(msgspec.Struct, frozen=True, array_like=True):
    """One document that says something. A broken one holds only what identifies it."""

    index: int
    """Counts every document of the file, empty ones too."""
    line: int
    value: Any
    broken: bool = False


class DocumentFault(msgspec.Struct, frozen=True, array_like=True):
    """A fault and the index of its document."""

    index: int
    fault: Fault


class ParsedFile(msgspec.Struct, frozen=True, array_like=True):
    """All that one file says, without its path. Faults are sorted by position."""

    documents: tuple[Document, ...] = ()
    faults: tuple[DocumentFault, ...] = ()
    values: tuple[ValueText, ...] = ()
    """What the texts in the overrides of the file mean; of `parse` only."""


class Chunk(msgspec.Struct, frozen=True):
    """A part of a file that is parsed by itself: from one `---` to the next, or one value of a JSON stream."""

    content: bytes
    line: int = 1
    column: int = 1
    value: Mapping[str, Any] | None = None
    """The object, when it was read as JSON."""


_SEPARATOR = re.compile(rb"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_NOTHING = re.compile(rb"(?:[ \t\r]*(?:#[^\n]*)?(?:\n|\Z))*\Z")
_DIRECTIVES = re.compile(rb"^%", re.MULTILINE)
_UNSURE = re.compile(rb"\.\.\.|\r|\xc2\x85|\xe2\x80[\xa8\xa9]")
_BREAK = re.compile(rb"\r\n|\r|\n|\xc2\x85|\xe2\x80[\xa8\xa9]")
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


def parse(content: bytes) -> ParsedFile:
    """Documents and faults of one file, for `read`. Never raises: what cannot be read is a fault.

    Of broken documents and of those that are neither objects nor kustomizations only what identifies them is kept.
    """
    whole = everything(content)
    kept = []
    silent = set()
    for document in whole.documents:
        if document.broken or not _is_object(document.value):
            identity = _identity(document.value)
            if not document.broken and not identity:
                silent.add(document.index)
            if document.broken or not _is_kustomization(document.value):
                document = msgspec.structs.replace(document, value=identity)
        kept.append(document)
    faults = tuple(fault for fault in whole.faults if fault.index not in silent)
    texts = dict.fromkeys(text for document in kept if not document.broken for text in valuetexts.texts(document.value))
    return ParsedFile(tuple(kept), faults, tuple(map(value_text, texts)))


def value_text(text: str) -> ValueText:
    """What the text of an override means."""
    content = text.encode("utf-8", "replace")
    if content.lstrip()[:1] == b"[":
        # a list in JSON, as patches often are, is read as fast as an object
        listed = jsonstream.objects(b'{"":' + content + b"}")
        if listed is not None and len(listed) == 1 and len(listed[0].value) == 1:
            return ValueText(text, listed[0].value[""])
    parsed = everything(content)
    broken = {document.index for document in parsed.documents if document.broken}
    fault = next((found.fault for found in parsed.faults if found.index in broken), None)
    if fault is not None:
        return ValueText(text, None, f"line {fault.line} of the value: {fault.message}", fault.hint)
    if len(parsed.documents) != 1:
        return ValueText(text, None, "the value must be one YAML document")
    return ValueText(text, parsed.documents[0].value)


def everything(content: bytes) -> ParsedFile:
    """As `parse`, with the whole value of every document, whatever it is."""
    if content.startswith(_WIDE):
        fault = Fault("yaml-encoding", "the file is UTF-16 or UTF-32, not UTF-8", 1, 1, (), "Save the file as UTF-8.")
        return ParsedFile((Document(0, 1, {}, broken=True),), (DocumentFault(0, fault),))
    documents: list[Document] = []
    faults: list[DocumentFault] = []
    for index, composed in enumerate(_composed(content)):
        if composed.value is not None or composed.broken:
            documents.append(Document(index, composed.line, composed.value, composed.broken))
        faults.extend(DocumentFault(index, fault) for fault in composed.faults)
    faults.sort(key=lambda found: (found.fault.line, found.fault.column))
    return ParsedFile(tuple(documents), tuple(faults))


def problem_of(found: DocumentFault, path: str, *, broken: bool) -> Problem:
    """A fault as a problem of the file at `path`; `broken` says whether its document is."""
    fault = found.fault
    # in a broken document one field may be a list and a mapping at once, which has no order
    field = fault.field if fault.rule == "yaml-boolean" and not broken else ()
    made = problem(fault.rule, Place(path, found.index), field, fault.message, fault.hint)
    return msgspec.structs.replace(made, line=fault.line, column=fault.column)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and "apiVersion" in value and "kind" in value


def _is_kustomization(value: Any) -> bool:
    """Whether it may be one: they need neither `apiVersion` nor `kind`."""
    return isinstance(value, dict) and not value.keys().isdisjoint(kinds.KUSTOMIZATION_ONLY)


def _identity(value: Any) -> dict[str, Any]:
    """What names a document: enough to say which Subscriptions it concerns, and small."""
    if not isinstance(value, dict):
        return {}
    head = _texts(value, "apiVersion", "kind")
    metadata, spec = value.get("metadata"), value.get("spec")
    if isinstance(metadata, dict):
        head["metadata"] = _texts(metadata, "name", "namespace")
        labels = metadata.get("labels")
        if isinstance(labels, dict) and labels and all(isinstance(value, str) for value in labels.values()):
            head["metadata"]["labels"] = labels
    if isinstance(spec, dict) and isinstance(spec.get("feed"), dict):
        head["spec"] = {"feed": _texts(spec["feed"], "apiVersion", "kind", "namespace", "name")}
    if isinstance(value.get("items"), list) and str(head.get("kind")).endswith("List"):
        head["items"] = [_identity(item) for item in value["items"]]
    return head


def _texts(value: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value[name] for name in names if isinstance(value.get(name), str)}


def _composed(content: bytes) -> Iterator[Composed]:
    for chunk in chunks(content):
        if chunk.value is None:
            yield from compose(chunk.content, chunk.line)
        else:
            yield Composed(chunk.value, chunk.line, [])


def chunks(content: bytes) -> list[Chunk]:
    """The parts of a file in order. `---` at the start of a line always separates documents, in any valid YAML."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    if content.lstrip()[:1] == b"{":
        stream = jsonstream.objects(content)
        if stream is not None:
            return [Chunk(part.content, part.line, part.column, part.value) for part in stream]
    starts = [match.start() for match in _SEPARATOR.finditer(content)]
    if starts and starts[0] > 0:
        prefix = content[: starts[0]]
        # directives (%YAML) belong to the document behind them; a prefix of comments is no document
        if _DIRECTIVES.search(prefix) and not _says_something(prefix):
            starts[0] = 0
    bounds = sorted({0, *starts, len(content)})
    parts = []
    line = 1
    for start, stop in pairwise(bounds):
        part = content[start:stop]
        parts.append(Chunk(part, line))
        line += len(_BREAK.findall(part)) if _UNSURE.search(part) else part.count(b"\n")
    return [part for part in parts if not _NOTHING.match(part.content)]


def count(chunk: Chunk) -> int:
    """How many documents a chunk holds: one, unless a document ends with `...` or lines end in a rare way."""
    if chunk.value is not None or not _UNSURE.search(chunk.content):
        return 1
    return len(compose(chunk.content, chunk.line))


def _says_something(prefix: bytes) -> bool:
    return any(line.strip() and line[:1] not in (b"%", b"#") for line in prefix.split(b"\n"))
