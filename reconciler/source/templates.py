"""Templates (`*.yaml.j2`): which objects they make, as far as their text says so before any cluster is known.

What identifies an object stands in the text without any expression, so that a template makes the same objects
everywhere and only their contents differ. Nothing is evaluated here: filling is done outside, for each cluster.
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from reconciler.model import templating
from reconciler.model.objects import digest_bytes, group_of
from reconciler.model.snapshot import Template
from reconciler.source import documents, hints, kinds, literals, salvage
from reconciler.source.documents import Document, DocumentFault, ParsedFile
from reconciler.source.opening import Opened, opened
from reconciler.source.syntax import Fault

if TYPE_CHECKING:
    from jinja2 import Environment, nodes

_POSITION: Final = re.compile(r" at \d+$")


class ParsedTemplate(msgspec.Struct, frozen=True, array_like=True):
    """All that the text of one template says, without its path."""

    text: str = ""
    digest: str = ""
    made: ParsedFile = ParsedFile()
    """What identifies each object that it makes."""
    values: bool = False
    """Whether it uses values files."""

    def line(self, document: int) -> int:
        """Where one of its documents begins."""
        return next((found.line for found in self.made.documents if found.index == document), 1)

    def at(self, path: str) -> Template:
        """The template that stands at a path."""
        return Template(path, self.text, self.digest)


def parse(content: bytes) -> ParsedTemplate:
    """Never raises: what cannot be used is a fault. Depends on nothing but the bytes."""
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return _broken("", content, Fault("yaml-encoding", "the file is not UTF-8 text", 1, 1))
    if len(content) > templating.LARGEST:
        message = f"the text is longer than {templating.LARGEST >> 20} MiB"
        return _broken("", content[:0], Fault("template-limit", message, 1, 1))
    fault, names = _syntax(text)
    if fault is not None:
        return _broken(text, content, fault)
    made = list(_made(literals.documents(_environment(), text)))
    parsed = ParsedFile(tuple(document for document, _ in made), tuple(fault for _, fault in made if fault))
    return ParsedTemplate(text, digest_bytes(content), parsed, "values" in names)


def objects(path: str, parsed: ParsedTemplate) -> Iterator[Opened]:
    """What identifies each object of a template, with its problems."""
    for found in opened(path, parsed.made):
        yield msgspec.structs.replace(found, template=path, digest=parsed.digest)


def _environment() -> "Environment":
    from jinja2 import Environment  # put off: most repos have no template

    return Environment(**templating.OPTIONS, autoescape=False)  # type: ignore[arg-type]  # noqa: S701 nothing is filled


def _broken(text: str, content: bytes, fault: Fault) -> ParsedTemplate:
    """What the lines say of the identity of each document, so that it is known whom the fault concerns."""
    heads = []
    for index, chunk in enumerate(documents.chunks(content)):
        head = salvage.identity(chunk.content, None)
        if head.get("kind") or head["metadata"]:
            heads.append(Document(index, chunk.line, head, broken=True))
    heads = heads or [Document(0, 1, {}, broken=True)]
    faults = (DocumentFault(heads[0].index, fault),)
    # every document is broken by the one fault, which is told once
    return ParsedTemplate(text, digest_bytes(content), ParsedFile((*heads,), faults))


def _syntax(text: str) -> tuple[Fault | None, frozenset[str]]:
    """What is wrong with a text as jinja2, and the names that it uses. Nothing is compiled or evaluated."""
    from jinja2 import TemplateSyntaxError, nodes

    try:
        tree = _environment().parse(text)
        for node in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
            hint = "Write macros into the template that uses them."
            message = f"'{type(node).__name__.lower()}' is not there: a template is one file"
            return Fault("template-syntax", message, node.lineno, 1, hint=hint), frozenset()
        for kind, allowed in _words().items():
            for named in tree.find_all(kind):
                if named.name not in allowed:
                    return _unknown(named, allowed), frozenset()
        return None, frozenset(node.name for node in tree.find_all(nodes.Name))
    except TemplateSyntaxError as error:
        return Fault("template-syntax", _sentence(str(error.message)), error.lineno, 1), frozenset()
    except RecursionError:
        return Fault("template-limit", "expressions are nested too deeply", 1, 1), frozenset()


def _words() -> "Mapping[type[nodes.Filter | nodes.Test], frozenset[str]]":
    from jinja2 import nodes

    own = _environment()
    filters = (own.filters.keys() | {*templating.ADDED}) - {*templating.REMOVED}
    return {nodes.Filter: frozenset(filters), nodes.Test: frozenset(own.tests)}


def _unknown(node: Any, allowed: frozenset[str]) -> Fault:
    what = type(node).__name__.lower()
    return Fault(
        "template-syntax",
        f"there is no {what} '{node.name}'",
        node.lineno,
        1,
        (),
        hints.did_you_mean(node.name, allowed),
    )


def _sentence(message: str) -> str:
    return message[:1].lower() + _POSITION.sub("", message[1:].rstrip("."))


def _made(found: Iterator[literals.Literal]) -> Iterator[tuple[Document, DocumentFault | None]]:
    for index, literal in enumerate(found):
        head, reason = _identity(literal)
        fault = _refusal(head, reason)
        if fault is None:
            yield Document(index, literal.line, head), None
            continue
        rule, message, hint = fault
        told = DocumentFault(index, Fault(rule, message, literal.line, 1, (), hint))
        yield Document(index, literal.line, head, broken=True), told


def _identity(literal: literals.Literal) -> tuple[dict[str, Any], str]:
    """What the text says of an object, and which part of what identifies it is absent or an expression."""
    value = literal.value
    given = value.get("metadata")
    metadata = given if isinstance(given, Mapping) else {}
    parts = {"apiVersion": value.get("apiVersion"), "kind": value.get("kind")}
    names = {"name": metadata.get("name"), "namespace": metadata.get("namespace")}
    reason = literal.fault
    for name, part in (*parts.items(), *((f"metadata.{name}", part) for name, part in names.items())):
        if part is None and name != "metadata.namespace":
            reason = reason or f"does not say {name} in plain text"
        elif isinstance(part, str) and literals.marked(part):
            reason = reason or f"has an expression in {name}"
    head: dict[str, Any] = {name: part for name, part in parts.items() if _literal(part)}
    head["metadata"] = {name: part for name, part in names.items() if _literal(part)}
    labels = metadata.get("labels")
    if isinstance(labels, Mapping):
        head["metadata"]["labels"] = {k: v for k, v in labels.items() if _literal(k) and _literal(v)}
    return head, reason


def _literal(value: Any) -> bool:
    return value is not None and not (isinstance(value, str) and literals.marked(value))


_PLAIN = "Write apiVersion, kind, metadata.name and metadata.namespace as plain text, the same for all clusters."


def _refusal(head: Mapping[str, Any], reason: str) -> tuple[str, str, str] | None:
    """Rule, message and hint where a document cannot be made by a template."""
    version, kind = head.get("apiVersion"), head.get("kind")
    if isinstance(version, str) and isinstance(kind, str):
        if (group_of(version), kind) in kinds.MODELS.keys() | kinds.HUB_KINDS:
            return "template-control-kind", f"a {kind} cannot be made by a template", ""
        if kind.endswith("List"):
            return (
                "template-identity",
                f"this document is a {kind}",
                "Write its items as documents, separated by `---`.",
            )
    return ("template-identity", f"this document {reason}", _PLAIN) if reason else None
