"""From parsed files to the Snapshot: every object with its place, every problem with its hint and whom it concerns.

Paths mean nothing here, and neither does the order of files. Objects that are wrong are absent from the Snapshot; the
problem says which Subscriptions must therefore be left as they are.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from reconciler.model.clusters import ClusterFacts
from reconciler.model.inflation import Build, Built
from reconciler.model.objects import BlobId
from reconciler.model.settings import Settings
from reconciler.model.snapshot import Place, Problem, Severity, Snapshot, Sourced
from reconciler.model.tree import Tree
from reconciler.source import (
    charts,
    check,
    concerns,
    datafiles,
    expansion,
    kustomizations,
    layout,
    overrides,
    rules,
    sealed,
    templatechecks,
    templates,
)
from reconciler.source.documents import ParsedFile
from reconciler.source.gather import Finding, Gathered, gather
from reconciler.source.kustomization import Shelf
from reconciler.source.locate import order
from reconciler.source.opening import Opened
from reconciler.source.templates import ParsedTemplate


class Texts(msgspec.Struct, frozen=True):
    """The parsed files that hold no objects as they stand, by blob."""

    templates: Mapping[BlobId, ParsedTemplate] = {}
    data: Mapping[BlobId, ParsedFile] = {}
    """Values files, whole."""


class _Files(msgspec.Struct, frozen=True):
    """The files of a tree by what they are for, each path with its blob."""

    objects: Mapping[str, BlobId]
    templates: Mapping[str, BlobId]
    data: Mapping[str, BlobId]
    kustomized: Mapping[str, BlobId]


def read(
    tree: Tree,
    settings: Settings,
    files: Mapping[BlobId, ParsedFile],
    built: Mapping[Build, Built] = {},
    texts: Texts = Texts(),  # noqa: B008 a value
) -> Snapshot:
    """All that a tree says. `files` holds the parsed content of every blob that `layout.selected` names.

    `texts` hold that of the blobs of `layout.templates` and `datafiles.selected`.
    While `wanted` of the answer is not empty, kustomizations are missing: read again with them in `built`.
    """
    visible = layout.visible(tree, settings)
    kustomized = kustomizations.owned(visible, settings)
    sorts = _sorted(tree, settings, kustomized)
    gathered = gather(settings, _objects(sorts, files, texts, settings))
    gathered.values = {found.text: found for blob in sorts.objects.values() for found in files[blob].values}
    kustomizations.enter(gathered, kustomized, ((path, files[blob]) for path, blob in sorts.kustomized.items()))
    gathered.named = expansion.named(gathered, visible, kustomized.directories)
    kustomizations.build(gathered, Shelf(tree, files, remote=settings.kustomize.remote_bases), built)
    clusters = check.identities(gathered)
    delivered = concerns.deliveries(gathered)
    paths = (*sorts.objects, *sorts.templates, *kustomized.directories)
    gathered.findings.extend(check.findings(gathered, delivered, paths))
    gathered.findings.extend(charts.check(gathered, tree.files.keys()))
    gathered.findings.extend(_skipped(tree, settings))
    shelf = {path: texts.templates[blob].at(path) for path, blob in sorts.templates.items()}
    data, wrong = datafiles.read(settings, {path: texts.data[blob] for path, blob in sorts.data.items()})
    gathered.findings.extend(templatechecks.findings(gathered, shelf, wrong))
    problems = tuple(sorted(_told_once(_concerning(found, delivered) for found in gathered.findings), key=order))
    snapshot = _snapshot(gathered, clusters, problems)
    return msgspec.structs.replace(snapshot, templates=shelf, data=data, files=tree.files)


def _sorted(tree: Tree, settings: Settings, kustomized: kustomizations.Kustomized) -> _Files:
    data = datafiles.selected(tree, settings)
    loose, owned = kustomized.sorted(layout.selected(tree, settings))
    templated, _ = kustomized.sorted(layout.templates(tree, settings))
    return _Files({path: blob for path, blob in loose.items() if path not in data}, templated, data, owned)


def _objects(sorts: _Files, files: Mapping[BlobId, ParsedFile], texts: Texts, settings: Settings) -> Iterator[Opened]:
    for path, blob in sorts.objects.items():
        yield from sealed.objects(path, blob, files[blob], settings)
    for path, blob in sorts.templates.items():
        yield from templates.objects(path, texts.templates[blob])


def _told_once(problems: Iterable[Problem]) -> list[Problem]:
    """Without warnings about truth values that are errors already, because text is wanted there."""
    listed = list(problems)
    errors = {(found.place.path, found.place.document, found.field) for found in listed if found.severity == "error"}
    return [
        found
        for found in listed
        if found.rule != "yaml-boolean" or (found.place.path, found.place.document, found.field) not in errors
    ]


def _skipped(tree: Tree, settings: Settings) -> Iterator[Finding]:
    """What cannot be read is an error: otherwise its objects would look as if somebody had removed them."""
    for path, reason in layout.unreadable(tree, settings).items():
        problem = rules.problem("file-skipped", Place(path), (), f"not read: {reason}")
        yield Finding(msgspec.structs.replace(problem, line=1, column=1), whole=False)


def _concerning(found: Finding, delivered: concerns.Deliveries) -> Problem:
    if found.problem.severity is not Severity.ERROR:
        return found.problem
    names = concerns.concerned(found, delivered)
    return msgspec.structs.replace(found.problem, concerns=tuple(sorted({*found.problem.concerns, *names})))


def _snapshot(
    gathered: Gathered, clusters: Mapping[str, Sourced[ClusterFacts]], problems: tuple[Problem, ...]
) -> Snapshot:
    return Snapshot(
        settings=gathered.settings,
        subscriptions=dict(sorted(gathered.subscriptions.items())),
        localizations=tuple(gathered.localizations),
        globalizations=tuple(gathered.globalizations),
        charts=dict(sorted(gathered.charts.items())),
        clusters=dict(sorted(clusters.items())),
        resources=dict(sorted(gathered.resources.items())),
        problems=problems,
        values=overrides.values(gathered),
        feeds=gathered.named,
        built=gathered.built,
        wanted=tuple(gathered.wanted),
    )
