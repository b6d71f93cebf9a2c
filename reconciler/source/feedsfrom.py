"""Feeds that a Subscription does not list, but finds: below paths of the repo, or by labels.

Two annotations say so, because the Subscription stays Clusternet's. What they find is what a list of the same objects
would be; control objects are never found, and a directory with a kustomization file is that kustomization.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from reconciler.model import selectors
from reconciler.model.authored import Feed, LabelSelector, ObjectMeta
from reconciler.model.objects import Object
from reconciler.source import hints, layout
from reconciler.source.gather import Fault

FROM = "reconciler.clusternet.io/feeds-from"
"""Paths of directories or files, comma separated, relative to the root of the repo."""
SELECTOR = "reconciler.clusternet.io/feeds-selector"
"""A label selector in kubectl's syntax, over the labels of the repo's objects in every namespace."""
KUSTOMIZE = "kustomize.config.k8s.io/v1beta1"


class Search(msgspec.Struct, frozen=True):
    """What the annotations of one Subscription ask for."""

    paths: tuple[str, ...] | None = None
    """Normal paths; None where no annotation asks for any."""
    selector: str | None = None
    terms: LabelSelector | None = None
    """The selector as it is understood; None where there is none, or where it says nothing."""


class Shelved(msgspec.Struct, frozen=True, order=True):
    """One object that can be found."""

    path: str
    feed: Feed
    labels: Mapping[str, str]


def search(metadata: ObjectMeta) -> Search | None:
    """What a Subscription asks for; None when it only lists feeds."""
    return _search(metadata.annotations or {})


def asked(body: Object) -> bool:
    """Whether a Subscription that may be broken finds feeds of its own."""
    metadata = body.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    return isinstance(annotations, Mapping) and not {FROM, SELECTOR}.isdisjoint(annotations)


def _search(annotations: Mapping[str, str]) -> Search | None:
    paths, selector = annotations.get(FROM), annotations.get(SELECTOR)
    if paths is None and selector is None:
        return None
    named = None if paths is None else tuple(layout.normal(path.strip()) for path in paths.split(",") if path.strip())
    return Search(named, selector, selectors.parsed(selector) if selector and selector.strip(" ,") else None)


def below(path: str, directory: str) -> bool:
    """Whether a path is the directory (or file) or lies below it; the empty directory is the root of the repo."""
    return not directory or path == directory or path.startswith(directory + "/")


class Shelf:
    """All objects that can be found, by path and by label. Immutable once built."""

    def __init__(
        self, objects: Iterable[Shelved], paths: Iterable[str], kustomizations: frozenset[str], troubled: Iterable[str]
    ) -> None:
        """`paths` are all files that are looked at, `troubled` those with an object that could not be read."""
        self._files = sorted(paths)
        self._kustomizations = kustomizations
        self._objects = sorted(objects, key=lambda found: (found.path, found.feed.object, found.feed.api_version))
        self._loose = [found for found in self._objects if self._kustomization_of(found.path) is None]
        self._paths = [found.path for found in self._loose]
        self._troubled = sorted(troubled)
        labelled = {str(at): found.labels for at, found in enumerate(self._objects)}
        self._index = selectors.LabelIndex(labelled)

    def found(self, search: Search) -> tuple[list[tuple[Feed, str]], list[Fault]]:
        """Feeds with the annotation that found them, and what is wrong with the search."""
        feeds: dict[Feed, str] = {}
        faults: list[Fault] = []
        for path in search.paths or ():
            below = list(self._below(path))
            faults.extend(() if below or self._in_trouble(path) else [self._nothing(path)])
            feeds.update((feed, FROM) for feed in below)
        if search.paths == ():
            faults.append(("feeds-from-nothing", _field(FROM), "this annotation names no path", ""))
        if search.selector is not None:
            selected, wrong = self._selected(search)
            faults.extend(wrong)
            feeds.update((feed, SELECTOR) for feed in selected if feed not in feeds)
        return sorted(feeds.items(), key=lambda found: (found[0].object, found[0].api_version)), faults

    def _below(self, path: str) -> Iterator[Feed]:
        for directory in _topmost(k for k in self._kustomizations if below(k, path)):
            yield Feed(api_version=KUSTOMIZE, kind="Kustomization", name=directory or ".")
        for at in range(*_span(self._paths, path)):
            yield self._loose[at].feed

    def _kustomization_of(self, path: str) -> str | None:
        """The outermost kustomization that a path lies in."""
        return next((path[:end] for end in (0, *_ends(path)) if path[:end] in self._kustomizations), None)

    def _selected(self, search: Search) -> tuple[list[Feed], list[Fault]]:
        if search.terms is None:
            message = f"'{search.selector}' is no label selector"
            return [], [("invalid-selector", _field(SELECTOR), message, "Write it as for kubectl: `app=web,tier!=db`.")]
        found = [self._objects[at].feed for at in sorted(map(int, self._index.select(search.terms)))]
        if found or self._troubled:
            return found, []
        message = f"no object in the repo has labels that match '{search.selector}'"
        return [], [("feeds-from-nothing", _field(SELECTOR), message, "")]

    def _in_trouble(self, path: str) -> bool:
        first, last = _span(self._troubled, path)
        return first < last

    def _nothing(self, path: str) -> Fault:
        field = _field(FROM)
        first, last = _span(self._files, path)
        if first < last:
            inside = self._kustomization_of(path)
            hint = f"It belongs to the kustomization '{inside or '.'}': name that." if inside is not None else ""
            return "feeds-from-nothing", field, f"'{path or '.'}' holds no object that can be delivered", hint
        directories = {file[:end] for file in self._files for end in _ends(file)}
        hint = hints.did_you_mean(path, directories)
        return "feeds-from-nothing", field, f"there is no '{path}' among the files that are read", hint


def _field(annotation: str) -> tuple[str, ...]:
    return "metadata", "annotations", annotation


def _ends(path: str) -> Iterator[int]:
    """Where each directory of a path ends, and the path itself."""
    yield from (at for at, character in enumerate(path) if character == "/")
    yield len(path)


def _span(paths: list[str], directory: str) -> tuple[int, int]:
    """First and last of the sorted paths that are the directory (or file) or lie below it."""
    if not directory:
        return 0, len(paths)
    exact = bisect_left(paths, directory), bisect_left(paths, directory + "\0")
    return exact if exact[0] < exact[1] else (bisect_left(paths, directory + "/"), bisect_left(paths, directory + "0"))


def _topmost(directories: Iterable[str]) -> Iterator[str]:
    """Without those that lie below another one, which decides what becomes of them."""
    last: str | None = None
    for directory in sorted(directories, key=lambda path: path.split("/") if path else []):
        if last is None or not below(directory, last):
            last = directory
            yield directory
