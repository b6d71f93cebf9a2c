"""One kustomization and what it reaches: the files of the repo that kustomize may read, found without running it.

What a kustomization names and the repo does not hold, what lies outside of the repo, and what would be fetched from
elsewhere is a problem here already, at the line that says so: kustomize is never started for it. Where plugins are
configured, everything below the directory counts as reached, because their files are named in files of their own.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final

import msgspec

from reconciler.model.objects import BlobId
from reconciler.model.snapshot import Place, Problem
from reconciler.model.tree import Tree
from reconciler.source import documents, kinds, layout
from reconciler.source.rules import problem

Field = tuple[str | int, ...]

_REMOTE: Final = re.compile(r"(?i)://|^git::|^gh:|^[^/]*@[^/]+[:/]|^github\.com[:/]")
"""What kustomize takes for an address; it looks there even when a directory of that name exists."""
_PLUGINS: Final = ("generators", "transformers", "validators")
_HELM: Final = ("helmCharts", "helmChartInflationGenerator", "helmGlobals")


class Reference(msgspec.Struct, frozen=True):
    """One place of a kustomization that names a file, or a directory with another kustomization."""

    field: Field
    text: str
    directory: bool = False
    """Whether it may name a directory."""


class Reached(msgspec.Struct, frozen=True):
    """What a build may read."""

    files: tuple[tuple[str, BlobId], ...] = ()
    """Path and blob, sorted."""
    kustomizations: tuple[str, ...] = ()
    """Directories of all kustomizations that take part."""
    problems: tuple[Problem, ...] = ()
    remote: bool = False
    """Something is fetched from elsewhere."""


class _Step(msgspec.Struct, frozen=True):
    """What one kustomization names itself."""

    files: frozenset[str] = frozenset()
    onward: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    remote: bool = False


class Shelf:
    """All kustomizations of a tree. Remembers what each names, however many overlays share it."""

    def __init__(self, tree: Tree, parsed: Mapping[BlobId, documents.ParsedFile], *, remote: bool) -> None:
        """`parsed` holds every file that makes a kustomization; `remote` allows what lies elsewhere."""
        self._files = tree.files
        self._skipped = tree.skipped
        self._parsed = parsed
        self._remote = remote
        self.files = {directory: path for path, directory in sorted(_named(tree.files), reverse=True)}
        """The file of each kustomization, by directory."""
        self._sorted = sorted(tree.files) if self.files else []
        self._step = cache(self._steps)

    def place(self, directory: str) -> Place:
        """Where a kustomization stands."""
        found = self._document(directory)
        return Place(self.files[directory], found.index if found else 0)

    def body(self, directory: str) -> Mapping[str, Any]:
        """What a kustomization says, as far as it could be read."""
        found = self._document(directory)
        return found.value if found is not None and isinstance(found.value, Mapping) else {}

    def reached(self, directory: str) -> Reached:
        """Everything that building this directory may read."""
        seen: dict[str, _Step] = {}
        ahead = [directory]
        while ahead:
            here = ahead.pop()
            if here not in seen:
                seen[here] = self._step(here)
                ahead.extend(seen[here].onward)
        paths = sorted(frozenset().union(*(step.files for step in seen.values())))
        problems = [found for name in sorted(seen) for found in seen[name].problems]
        remote = any(step.remote for step in seen.values())
        return Reached(tuple((path, self._files[path]) for path in paths), tuple(sorted(seen)), tuple(problems), remote)

    def _document(self, directory: str) -> documents.Document | None:
        parsed = self._parsed[self._files[self.files[directory]]]
        return parsed.documents[0] if parsed.documents else None

    def _steps(self, directory: str) -> _Step:
        path, place = self.files[directory], self.place(directory)
        broken = tuple(self._broken(path))
        if broken:
            return _Step(frozenset({path}), problems=broken)
        body = self.body(directory)
        files, onward, remote = set(self._beside(directory)), [], False
        problems = [_helm(place, name) for name in _HELM if name in body]
        for reference in references(body):
            named = joined(directory, reference.text)
            if _REMOTE.search(reference.text):
                remote = True
                problems += [] if self._remote else [_elsewhere(place, reference)]
            elif named is None:
                what = f"'{reference.text}' lies outside of the repo"
                problems.append(problem("kustomization-missing", place, reference.field, what))
            elif what := self._fault(directory, reference, named):
                problems.append(problem("kustomization-missing", place, reference.field, what))
            elif named in self._files:
                files.add(named)
            else:
                onward.append(named)
        if any(name in body for name in _PLUGINS) or not body.keys() <= kinds.KUSTOMIZATION_FIELDS:
            files.update(self._below(directory))
        return _Step(frozenset(files), tuple(onward), tuple(problems), remote)

    def _beside(self, directory: str) -> Iterator[str]:
        """All files that make this directory a kustomization; kustomize complains of a second one."""
        for name in layout.KUSTOMIZATIONS:
            path = f"{directory}/{name}" if directory else name
            if path in self._files:
                yield path

    def _broken(self, path: str) -> Iterator[Problem]:
        parsed = self._parsed[self._files[path]]
        broken = {document.index for document in parsed.documents if document.broken}
        for fault in parsed.faults:
            if fault.index in broken:
                yield documents.problem_of(fault, path, broken=True)
        if len(parsed.documents) > 1 and not broken:
            second = Place(path, parsed.documents[1].index)
            yield problem("kustomization-failed", second, (), "a kustomization is one document, and this is another")

    def _fault(self, directory: str, reference: Reference, named: str) -> str:
        """What is wrong with a reference to this path of the repo; nothing when kustomize can follow it."""
        text = reference.text
        if named in self._files:
            inside = not directory or named.startswith(directory + "/")
            return "" if inside else f"the file '{text}' lies outside of '{directory}', where kustomize reads no files"
        if reference.directory and named in self.files:
            return ""
        if named in self._skipped:
            return f"'{text}' is not read: {self._skipped[named]}"
        if self._below(named):
            return f"'{text}' is a directory" + (" without a kustomization file" if reference.directory else "")
        return f"'{text}' is not in the repo"

    def _below(self, directory: str) -> list[str]:
        if not directory:
            return self._sorted
        first, last = (bisect_left(self._sorted, directory + end) for end in "/0")
        return self._sorted[first:last]


def references(body: Mapping[str, Any]) -> Iterator[Reference]:
    """Every file and directory that a kustomization names. What has a wrong shape is left to kustomize to tell."""
    for name in ("resources", "bases", "components", *_PLUGINS):
        yield from _texts(body, (name,), directory=True)
    for name in ("crds", "configurations", "patchesStrategicMerge"):
        yield from _texts(body, (name,))
    yield from _member(body.get("openapi"), ("openapi",), "path")
    for name in ("patches", "patchesJson6902", "replacements"):
        for at, entry in _entries(body, name):
            yield from _member(entry, (name, at), "path")
    for name in ("configMapGenerator", "secretGenerator"):
        for at, entry in _entries(body, name):
            if isinstance(entry, Mapping):
                yield from (_of_generator(found) for found in _texts(entry, (name, at, "files")))
                yield from _texts(entry, (name, at, "envs"))
                yield from _member(entry, (name, at), "env")


def _named(files: Iterable[str]) -> Iterator[tuple[str, str]]:
    for path in files:
        directory, _, name = path.rpartition("/")
        if name in layout.KUSTOMIZATIONS:
            yield path, directory


def _entries(body: Mapping[str, Any], name: str) -> Iterator[tuple[int, Any]]:
    value = body.get(name)
    return enumerate(value if isinstance(value, list) else ())


def _texts(body: Mapping[str, Any], field: Field, *, directory: bool = False) -> Iterator[Reference]:
    """The entries of a list that are paths: objects written in place have several lines, or braces."""
    for at, text in _entries(body, str(field[-1])):
        if isinstance(text, str) and "\n" not in text and not text.lstrip().startswith("{"):
            yield Reference((*field, at), text, directory)


def _member(entry: Any, field: Field, name: str) -> Iterator[Reference]:
    text = entry.get(name) if isinstance(entry, Mapping) else None
    if isinstance(text, str) and text:
        yield Reference((*field, name), text)


def _of_generator(found: Reference) -> Reference:
    """`key=path`, or a path alone."""
    key, equals, path = found.text.partition("=")
    return Reference(found.field, path if equals else key)


def joined(directory: str, text: str) -> str | None:
    """The path of the repo that a relative one means; None when it leads out."""
    if text.startswith("/"):
        return None
    parts = directory.split("/") if directory else []
    for part in text.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _helm(place: Place, name: str) -> Problem:
    return problem("kustomization-helm", place, (name,), f"kustomize runs no helm here, so `{name}` cannot be built")


def _elsewhere(place: Place, reference: Reference) -> Problem:
    message = f"'{reference.text}' lies outside of the repo, and nothing is fetched for a kustomization"
    return problem("kustomization-remote", place, reference.field, message)
