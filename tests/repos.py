"""Fleet repos as plain mappings of path to text, read the way every command reads them."""

from collections.abc import Mapping

from reconciler.model.inflation import Built
from reconciler.model.objects import BlobId, digest_bytes
from reconciler.model.snapshot import Problem, Snapshot
from reconciler.model.tree import Tree
from reconciler.source import datafiles, documents, layout, locate, templates
from reconciler.source.read import Texts, read
from reconciler.source.settings import read_settings

Files = Mapping[str, str | bytes]
SETTINGS = {"fleet.yaml": "fleet: demo\n"}


def read_repo(
    files: Files, skipped: Mapping[str, str] = {}, builds: Mapping[str, Built] = {}
) -> tuple[Snapshot | None, tuple[Problem, ...]]:
    """The snapshot of a repo and its located problems; no snapshot when its settings cannot be used.

    `builds` are what kustomizations give, by directory.
    """
    contents = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    tree = Tree({path: BlobId(digest_bytes(content)) for path, content in contents.items()}, None, skipped)
    settings, problems = read_settings(contents.get("fleet.yaml"))
    if settings is None:
        return None, problems
    selected = layout.selected(tree, settings)
    parsed = {blob: documents.parse(contents[path]) for path, blob in selected.items()}
    texts = Texts(
        {blob: templates.parse(contents[path]) for path, blob in layout.templates(tree, settings).items()},
        {blob: documents.everything(contents[path]) for path, blob in datafiles.selected(tree, settings).items()},
    )
    snapshot = read(tree, settings, parsed, texts=texts)
    if snapshot.wanted:
        snapshot = read(
            tree,
            settings,
            parsed,
            {build: builds[build.directory] for build in snapshot.wanted if build.directory in builds},
            texts,
        )
    return snapshot, locate.locate((*problems, *snapshot.problems), contents)


def problems_of(**files: str) -> list[str]:
    """`rule` and `file:line:column` of every problem of a repo; `a=text` is the file `a.yaml`."""
    _, problems = read_repo({**SETTINGS, **{f"{name}.yaml": text for name, text in files.items()}})
    return [f"{p.rule} {p.place.path}:{p.line}:{p.column}" for p in problems]
