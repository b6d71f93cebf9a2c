"""`reconciler suspend|resume`: edits the annotation in the author's file, comments and layout kept."""

import asyncio
from pathlib import Path
from typing import Any

import click

from reconciler.cli import options
from reconciler.cli.terminal import talk
from reconciler.model.errors import UsageError
from reconciler.sync import reading
from reconciler.sync.selection import SUSPEND

_KINDS = {"subscription": "Subscription", "sub": "Subscription", "cluster": "ManagedCluster", "mcls": "ManagedCluster"}
_argument_kind = click.argument("kind", type=click.Choice(list(_KINDS)))
_argument_name = click.argument("name")
_option_repo = click.option(
    "--repo", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path(), help="The work tree."
)


@click.command()
@_argument_kind
@_argument_name
@_option_repo
def suspend(kind: str, name: str, repo: Path) -> None:
    """Leave everything of a Subscription (`namespace/name`) or cluster as it is, from the next commit on."""
    _edit(repo, _KINDS[kind], name, value="true")


@click.command()
@_argument_kind
@_argument_name
@_option_repo
def resume(kind: str, name: str, repo: Path) -> None:
    """Deliver a suspended Subscription (`namespace/name`) or cluster again, from the next commit on."""
    _edit(repo, _KINDS[kind], name, value=None)


def _edit(repo: Path, kind: str, name: str, value: str | None) -> None:
    path, number = _find(repo, kind, name)
    import ruamel.yaml

    yaml = ruamel.yaml.YAML()
    yaml.preserve_quotes = True
    yaml.width = 10_000
    text = path.read_text()
    yaml.map_indent, yaml.sequence_indent, yaml.sequence_dash_offset = _indent(text)
    documents = list(yaml.load_all(text))
    verb = "suspended" if value else "resumed"
    if not _annotate(documents[number], value):
        talk(f"{kind} {name} is {verb} already")
        return
    with path.open("w") as stream:
        yaml.dump_all(documents, stream)
    talk(f"{kind} {name} {verb} in {path.relative_to(repo)}; commit it to make it so")


def _annotate(document: Any, value: str | None) -> bool:
    """Set or remove the annotation; False when it was so already."""
    metadata = document["metadata"]
    annotations = metadata.get("annotations")
    if (annotations or {}).get(SUSPEND) == value:
        return False
    if value is None:
        del annotations[SUSPEND]
        if not annotations:
            del metadata["annotations"]
    elif annotations is None:
        metadata["annotations"] = {SUSPEND: value}
    else:
        annotations[SUSPEND] = value
    return True


def _indent(text: str) -> tuple[int, int, int]:
    """The indentation that the author uses for sequences below mappings: `- x` flush, or indented by two."""
    lines = text.splitlines()
    for above, line in zip(lines, lines[1:], strict=False):
        if line.lstrip().startswith("- ") and above.rstrip().endswith(":"):
            offset = (len(line) - len(line.lstrip())) - (len(above) - len(above.lstrip()))
            return (2, 4, 2) if offset == 2 else (2, 2, 0)
    return (2, 2, 0)


def _find(repo: Path, kind: str, name: str) -> tuple[Path, int]:
    """The file and document of the one object of that kind and name. UsageError when there is none, or several."""
    given = {"repo": str(repo), "branch": None, "tag": None, "commit": None, "path": ""}
    snapshot = asyncio.run(reading.snapshot_of(options.reading(given)))
    if kind == "Subscription":
        places = {n: s.place for n, s in snapshot.subscriptions.items() if name in (n, n.partition("/")[2])}
    else:
        places = {s.value.name: s.place for i, s in snapshot.clusters.items() if name in (i, s.value.name)}
    if len(places) != 1:
        what = f"{len(places)} of them: {', '.join(places)}" if places else "none of that name"
        raise UsageError("not-found", f"{kind} {name}: {what}", "name it as namespace/name")
    place = next(iter(places.values()))
    if place.item >= 0 or place.path.endswith(".json"):
        raise UsageError("not-editable", f"{place.path} is a List or JSON: set the annotation {SUSPEND} there yourself")
    return repo / place.path, place.document
