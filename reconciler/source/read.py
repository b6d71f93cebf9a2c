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
from reconciler.source import check, concerns, expansion, kustomizations, layout, overrides, rules
from reconciler.source.documents import ParsedFile
from reconciler.source.gather import Finding, Gathered, gather
from reconciler.source.kustomization import Shelf
from reconciler.source.locate import order
from reconciler.source.opening import opened


def read(
    tree: Tree,
    settings: Settings,
    files: Mapping[BlobId, ParsedFile],
    built: Mapping[Build, Built] = {},
) -> Snapshot:
    """All that a tree says. `files` holds the parsed content of every blob that `layout.selected` names.

    While `wanted` of the answer is not empty, kustomizations are missing: read again with them in `built`.
    """
    visible = layout.visible(tree, settings)
    kustomized = kustomizations.owned(visible, settings)
    loose, owned = kustomized.sorted(layout.selected(tree, settings))
    gathered = gather(settings, (found for path, blob in loose.items() for found in opened(path, files[blob])))
    kustomizations.enter(gathered, kustomized, ((path, files[blob]) for path, blob in owned.items()))
    gathered.named = expansion.named(gathered, visible)
    kustomizations.build(gathered, Shelf(tree, files, remote=settings.kustomize.remote_bases), built)
    clusters = check.identities(gathered)
    delivered = concerns.deliveries(gathered)
    gathered.findings.extend(check.findings(gathered, delivered, tuple(loose)))
    gathered.findings.extend(_skipped(tree, settings))
    problems = _told_once(_concerning(found, delivered) for found in gathered.findings)
    return _snapshot(gathered, clusters, tuple(sorted(problems, key=order)))


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
