"""Documents to objects: Lists are opened, and whatever has no identity becomes a problem.

A whole object that leaves here has text for `apiVersion`, `kind` and `metadata.name`, and labels and annotations that
are text.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from reconciler.model.inflation import Seal
from reconciler.model.objects import Object, group_of
from reconciler.model.snapshot import Place, Problem, Severity
from reconciler.source import documents, hints, kinds
from reconciler.source.rules import problem

Field = tuple[str | int, ...]


class Opened(msgspec.Struct, frozen=True):
    """One object of a file, or what is left of a broken one."""

    place: Place
    line: int
    """Where its document begins."""
    body: Object
    problems: tuple[Problem, ...]
    whole: bool
    """False when the object cannot be used; then `body` holds what identifies it, as far as that could be read."""
    template: str = ""
    """Path of the template that makes the object; `body` then holds only what identifies it."""
    digest: str = ""
    """Of the template's text, or of an encrypted document; of other objects nothing."""
    seal: Seal | None = None
    """Of an encrypted object."""


def opened(path: str, parsed: documents.ParsedFile) -> Iterator[Opened]:
    """All objects of one file, in order, each with its problems."""
    broken = {document.index for document in parsed.documents if document.broken}
    faults: dict[int, list[Problem]] = {}
    for fault in parsed.faults:
        found = documents.problem_of(fault, path, broken=fault.index in broken)
        faults.setdefault(fault.index, []).append(found)
    for document in parsed.documents:
        own = tuple(faults.get(document.index, ()))
        place = Place(path, document.index)
        value = document.value if isinstance(document.value, Mapping) else {}
        objects = list(_objects(value, place, document, own))
        yield from objects
        if not objects and own:
            yield Opened(place, document.line, {}, own, whole=False)


def _objects(
    value: Mapping[str, Any], place: Place, document: documents.Document, own: tuple[Problem, ...]
) -> Iterator[Opened]:
    if document.broken:
        heads = value.get("items") if _is_list(value) else None
        for index, head in enumerate(heads or [value]):
            # the faults of a document are told once, and concern whatever is in it
            yield Opened(place, document.line, head, own if index == 0 else (), whole=False)
    elif _is_list(value):
        yield from _items(value, place, document.line, own)
    else:
        yield _object(value, place, document.line, own)


def _is_list(value: Mapping[str, Any]) -> bool:
    return str(value.get("kind")).endswith("List") and "items" in value


def _items(value: Mapping[str, Any], place: Place, line: int, own: tuple[Problem, ...]) -> Iterator[Opened]:
    items = value["items"]
    if not isinstance(items, list):
        found = problem("list-items", place, ("items",), f"items of a {value['kind']} must be a list")
        yield Opened(place, line, {}, (*own, found), whole=False)
        return
    if "sops" in value:
        found = problem("sealed-list", place, ("sops",), f"this {value['kind']} is encrypted with SOPS as a whole")
        yield Opened(place, line, {}, (*own, found), whole=False)
        return
    sort = value["kind"].removesuffix("List")
    inherited = {"apiVersion": value["apiVersion"], "kind": sort} if sort else {}
    for index, item in enumerate(items):
        inside = Place(place.path, place.document, index)
        faults = own if index == 0 else ()
        if not isinstance(item, Mapping) or _is_list(item):
            rule = "list-nested" if isinstance(item, Mapping) else "list-items"
            what = "is a List itself" if isinstance(item, Mapping) else "is no object"
            found = problem(rule, inside, inside.within(), f"item {index} of the {value['kind']} {what}")
            yield Opened(inside, line, {}, (*faults, found), whole=False)
            continue
        yield _object({**inherited, **item} if inherited else item, inside, line, faults)


def _object(body: Mapping[str, Any], place: Place, line: int, own: tuple[Problem, ...]) -> Opened:
    found = tuple(_identity_problems(body, place))
    if not found:
        found = (*_metadata_problems(body, place), *_text_problems(body, place))
        kind = tuple(_kind_problems(body, place))
        usable = not found and all(problem.severity is Severity.WARNING for problem in kind)
        return Opened(place, line, body, (*own, *found, *kind), whole=usable)
    return Opened(place, line, body, (*own, *found), whole=False)


def _identity_problems(body: Mapping[str, Any], place: Place) -> Iterator[Problem]:
    given = [name for name in ("apiVersion", "kind") if body.get(name) is not None]
    if not given:
        hint = f"Add '{place.path}', or a pattern for it, to `ignore` in fleet.yaml."
        yield problem(
            "not-an-object", place, place.within(), "not a Kubernetes object: no apiVersion and no kind", hint
        )
        return
    if len(given) == 1:
        missing = "kind" if given == ["apiVersion"] else "apiVersion"
        hint = f"Add `{missing}`, or add '{place.path}' to `ignore` in fleet.yaml."
        yield problem("type-missing", place, place.within(), f"this document has {given[0]}, but no {missing}", hint)
        return
    for name in given:
        if not isinstance(body[name], str) or not body[name]:
            yield problem("not-text", place, place.within(name), f"{name} must be text")
    yield from _name_problems(body, place)


def _name_problems(body: Mapping[str, Any], place: Place) -> Iterator[Problem]:
    metadata, kind = body.get("metadata"), body["kind"]
    if not isinstance(metadata, Mapping):
        what = "no metadata" if metadata is None else "metadata that is no mapping"
        yield problem("name-missing", place, place.within("metadata"), f"this {kind} has {what}, so it has no name")
        return
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if name is None and "generateName" in metadata:
        yield problem("generate-name", place, place.within("metadata", "generateName"), f"this {kind} has generateName")
    elif name is None or name == "":
        yield problem("name-missing", place, place.within("metadata", "name"), f"this {kind} has no metadata.name")
    elif not isinstance(name, str):
        yield problem("not-text", place, place.within("metadata", "name"), f"the name of this {kind} must be text")
    if namespace is not None and not isinstance(namespace, str):
        yield problem(
            "not-text", place, place.within("metadata", "namespace"), f"the namespace of this {kind} must be text"
        )


def _metadata_problems(body: Mapping[str, Any], place: Place) -> Iterator[Problem]:
    if kinds.type_of(body) in kinds.MODELS:
        return  # told by their models
    for field in ("labels", "annotations"):
        yield from _texts(body["metadata"].get(field), place, place.within("metadata", field))


_TEXT_FIELDS = {("", "ConfigMap"): ("data", "binaryData"), ("", "Secret"): ("data", "stringData")}


def _text_problems(body: Mapping[str, Any], place: Place) -> Iterator[Problem]:
    for field in _TEXT_FIELDS.get(kinds.type_of(body), ()):
        yield from _texts(body.get(field), place, place.within(field))


def _texts(values: Any, place: Place, field: Field) -> Iterator[Problem]:
    if values is not None and not isinstance(values, Mapping):
        yield problem("not-text", place, field, f"{field[-1]} must be a mapping of text to text")
        return
    for name, value in (values or {}).items():
        if not isinstance(value, str) and value is not None:
            what = f"{_SINGULAR.get(str(field[-1]), field[-1])} '{name}'"
            yield problem("not-text", place, (*field, name), f"{what} must be text, not {_sort(value)}")


_SINGULAR = {"labels": "label", "annotations": "annotation"}


def _sort(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    return "a number" if isinstance(value, int | float) else "a list" if isinstance(value, list) else "a mapping"


def _kind_problems(body: Mapping[str, Any], place: Place) -> Iterator[Problem]:
    group, kind = kinds.type_of(body)
    known = kinds.kinds_of(group)
    if (group, kind) in kinds.HUB_KINDS:
        yield problem("hub-kind", place, place.within("kind"), f"{kind} objects are written by the hub")
    elif known and kind not in known:
        rule = "unknown-control-kind" if group in (kinds.APPS, kinds.CLUSTERS, kinds.MCS) else "unknown-kind"
        message = f"{group or 'the core group'} has no kind '{kind}'"
        yield problem(rule, place, place.within("kind"), message, hints.did_you_mean(kind, known))
    elif not known:
        near = hints.nearest(group, (kinds.APPS, kinds.CLUSTERS)) if kind in _OWN_KINDS else None
        if near is not None:
            message = f"{kind} is a kind of '{near}', not of '{group_of(body['apiVersion'])}'"
            yield problem("unknown-control-kind", place, place.within("apiVersion"), message, f"Did you mean '{near}'?")


_OWN_KINDS = frozenset(kind for _, kind in kinds.MODELS)
