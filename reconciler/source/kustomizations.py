"""Kustomizations that Subscriptions name as feeds: what is to be built, and the objects that building gave.

A directory with a kustomization file belongs to kustomize: nothing in or below it is read as an object. A feed that
names it stands for every object that it builds; one that could not be built stays in the list as it is written, so that
its Subscription is never taken for a smaller one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from reconciler.model.authored import Feed
from reconciler.model.inflation import Build, Built, Fault
from reconciler.model.objects import BlobId, Object, ObjectKey, digest_of, group_of, key_of
from reconciler.model.settings import Settings
from reconciler.model.snapshot import NamedFeed, Place, Problem, Resource, Severity
from reconciler.source import hints, kinds, layout
from reconciler.source.documents import Document, ParsedFile
from reconciler.source.gather import Finding, Gathered, placed
from reconciler.source.kustomization import Field, Reached, Shelf
from reconciler.source.opening import Opened, opened
from reconciler.source.rules import problem
from reconciler.source.sealed import is_sealed

_UNKNOWN: Final = re.compile(r"unknown field \"(\w+)\"")


class Kustomized(msgspec.Struct, frozen=True):
    """What belongs to kustomize."""

    directories: frozenset[str] = frozenset()
    at_root: tuple[str, ...] = ()
    """Kustomization files at a root: nothing belongs to them."""

    def owner(self, path: str) -> str | None:
        """The outermost kustomization that a path lies in."""
        if not self.directories:
            return None
        ends = (at for at, character in enumerate(path) if character == "/")
        return next((path[:end] for end in ends if path[:end] in self.directories), None)

    def sorted(self, files: Mapping[str, BlobId]) -> tuple[dict[str, BlobId], dict[str, BlobId]]:
        """Files that hold objects, and files that belong to kustomize; kustomizations themselves are neither."""
        loose: dict[str, BlobId] = {}
        owned: dict[str, BlobId] = {}
        for path, blob in files.items():
            if not layout.is_kustomization(path):
                (loose if self.owner(path) is None else owned)[path] = blob
        return loose, owned


def owned(visible: Iterable[str], settings: Settings) -> Kustomized:
    """What belongs to kustomize, of all files that are not ignored."""
    roots = {layout.normal(root) for root in settings.roots}
    found = {path: path.rpartition("/")[0] for path in visible if layout.is_kustomization(path)}
    at_root = tuple(path for path, directory in found.items() if _is_above(directory, roots))
    return Kustomized(frozenset(found[path] for path in found.keys() - set(at_root)), at_root)


def _is_above(directory: str, roots: Iterable[str]) -> bool:
    return not directory or any(root == directory or root.startswith(directory + "/") for root in roots)


def enter(gathered: Gathered, mine: Kustomized, files: Iterable[tuple[str, ParsedFile]]) -> None:
    """Note what stands in files of kustomize, where control objects would vanish; tell of kustomizations at a root."""
    for path in mine.at_root:
        message = "a kustomization at the root of what is read would own every file, so nothing belongs to it"
        found = problem("kustomization-at-root", Place(path), (), message)
        gathered.found({}, [msgspec.structs.replace(found, line=1, column=1)])
    for path, parsed in files:
        for document in parsed.documents:
            for place, body in _heads(path, document):
                _enter(gathered, mine.owner(path) or "", place, body)


def _enter(gathered: Gathered, owner: str, place: Place, body: Object) -> None:
    kind = _control_kind(body)
    if kind:
        message = f"this {kind} stands in '{owner}', which belongs to kustomize"
        gathered.found(body, [problem("kustomized-control-object", place, place.within("kind"), message)])
        gathered.broken.append(body)
    elif isinstance(body.get("apiVersion"), str) and isinstance(body.get("metadata"), Mapping):
        gathered.kustomized[body.get("kind"), body["metadata"].get("name")] = owner


def _heads(path: str, document: Document) -> Iterator[tuple[Place, Object]]:
    value = document.value if isinstance(document.value, Mapping) else {}
    items = value.get("items")
    yield Place(path, document.index), value
    for at, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, Mapping):
            yield Place(path, document.index, at), item


def _control_kind(body: Object) -> str:
    version, kind = body.get("apiVersion"), body.get("kind")
    if not isinstance(version, str) or not isinstance(kind, str):
        return ""
    own = (group_of(version), kind) in kinds.FLEET_KINDS | {(kinds.APPS, "HelmChart")}
    return kind if own and not kind.endswith("List") else ""


def is_kustomization(feed: Feed) -> bool:
    """Whether a feed names a kustomization instead of an object."""
    return feed.kind == "Kustomization" and group_of(feed.api_version) == kinds.KUSTOMIZE


def build(gathered: Gathered, shelf: Shelf, answers: Mapping[Build, Built]) -> None:
    """Open all kustomizations among the feeds that were gathered, as far as `answers` hold what they build.

    Fills `named`, `built` and `wanted` of `gathered`, and adds what is wrong.
    """
    asked: dict[str, list[tuple[str, NamedFeed]]] = {}
    for name, feeds in gathered.named.items():
        for named in feeds:
            if is_kustomization(named.feed):
                asked.setdefault(layout.normal(named.feed.name), []).append((name, named))
                if named.feed.namespace:
                    gathered.findings.append(_with_namespace(gathered, name, named))
    for directory, askers in sorted(asked.items()):
        _one(gathered, shelf, directory, askers, answers)
    if asked:
        gathered.named = {name: tuple(_opened(feeds, gathered.built)) for name, feeds in gathered.named.items()}


def _opened(feeds: Iterable[NamedFeed], built: Mapping[str, Mapping[ObjectKey, Resource]]) -> Iterator[NamedFeed]:
    for named in feeds:
        directory = layout.normal(named.feed.name) if is_kustomization(named.feed) else None
        if directory is None or directory not in built:
            yield named
            continue
        for key, resource in built[directory].items():
            feed = Feed(api_version=resource.api_version, kind=key.kind, namespace=key.namespace or None, name=key.name)
            yield NamedFeed(feed, named.field, directory)


def _one(
    gathered: Gathered,
    shelf: Shelf,
    directory: str,
    askers: list[tuple[str, NamedFeed]],
    answers: Mapping[Build, Built],
) -> None:
    if not directory or directory not in shelf.files:
        for name, named in askers:
            gathered.findings.append(_not_found(gathered, shelf, directory, name, named))
        return
    concerns = tuple(sorted({name for name, _ in askers}))
    reached = shelf.reached(directory)
    problems = list(reached.problems)
    if not problems:
        question = Build(directory, reached.files, reached.remote)
        answer = answers.get(question)
        if answer is None:
            gathered.wanted.append(question)
            return
        if answer.fault is not None:
            problems.append(_fault(shelf, directory, reached, answer.fault))
        else:
            resources, problems = _resources(gathered, shelf.place(directory), answer.documents)
            if not any(found.severity is Severity.ERROR for found in problems):
                gathered.built[directory] = resources
    told = [msgspec.structs.replace(p, concerns=concerns if p.severity is Severity.ERROR else ()) for p in problems]
    gathered.found({}, told)


def _not_found(gathered: Gathered, shelf: Shelf, directory: str, name: str, named: NamedFeed) -> Finding:
    place = gathered.subscriptions[name].place
    field: Field = (*named.field, "name") if named.field[:1] == ("spec",) else named.field
    message = f"'{directory}' holds no kustomization file" if directory else "the root of the repo is no kustomization"
    hint = hints.did_you_mean(directory, [other for other in shelf.files if other])
    return Finding(gathered.problem("kustomization-not-found", place, field, message, hint), kinds.subscription(name))


def _with_namespace(gathered: Gathered, name: str, named: NamedFeed) -> Finding:
    message = f"'{named.feed.name}' is a directory, and the namespace '{named.feed.namespace}' says nothing about it"
    place = gathered.subscriptions[name].place
    found = gathered.problem("kustomization-namespace", place, (*named.field, "namespace"), message)
    return Finding(found, kinds.subscription(name))


def _fault(shelf: Shelf, directory: str, reached: Reached, fault: Fault) -> Problem:
    """What kustomize said, at the field that it complains of where it names one."""
    place = shelf.place(directory)
    field: Field = ()
    unknown = _UNKNOWN.search(fault.message)
    if unknown:
        guilty = [other for other in reached.kustomizations if unknown[1] in shelf.body(other)]
        place, field = (shelf.place(guilty[0]), (unknown[1],)) if guilty else (place, field)
    return problem(fault.rule, place, field, f"kustomize cannot build '{directory}': {fault.message}", fault.hint)


def _resources(
    gathered: Gathered, place: Place, documents: Iterable[Any]
) -> tuple[dict[ObjectKey, Resource], list[Problem]]:
    """The objects of a build, checked as those of files are."""
    parsed = ParsedFile(tuple(Document(at, 1, value) for at, value in enumerate(documents) if value is not None))
    problems: list[Problem] = []
    found: dict[ObjectKey, Resource] = {}
    objects = list(opened(place.path, parsed))
    scopes = {**gathered.scopes, **kinds.declared_scopes(_definitions(objects))}
    for one in objects:
        faults = [*_own_faults(one), *one.problems]
        if one.whole and not faults:
            body, wrong = placed(one, scopes)
            key = key_of(body)
            faults += wrong
            if key in found:
                faults.append(problem("duplicate-object", place, (), f"{key} is built twice"))
            found[key] = Resource(place, key, body["apiVersion"], body, digest_of(body))
        problems += [_told(one.body, fault, place) for fault in faults]
    if not objects:
        problems.append(problem("kustomization-empty", place, (), "this kustomization builds no object"))
    return dict(sorted(found.items())), problems


def _own_faults(one: Opened) -> Iterator[Problem]:
    if is_sealed(one.body):
        message = "it is encrypted with SOPS, and what kustomize makes of it can never be decrypted"
        yield problem("kustomization-encrypted", one.place, (), message)
    kind = _control_kind(one.body)
    if kind:
        yield problem("kustomized-control-object", one.place, (), f"a {kind} is read from files, and never built")


def _told(body: Object, fault: Problem, place: Place) -> Problem:
    """A fault of a built object, told where its kustomization stands."""
    metadata = body.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    who = f"{body.get('kind') or 'a document'} {name or 'without a name'}"
    return msgspec.structs.replace(fault, place=place, field=(), message=f"it builds {who}: {fault.message}")


def _definitions(objects: Iterable[Opened]) -> dict[ObjectKey, Object]:
    whole = (one.body for one in objects if one.whole)
    return {key_of(body): body for body in whole if kinds.is_definition(body)}
