"""`reconciler init DIRECTORY`: a new fleet repo from the template that ships with the package."""

import re
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from reconciler.cli.terminal import talk
from reconciler.model.errors import UsageError

_FLEET = re.compile(r"^fleet:.*$", re.MULTILINE)


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--fleet", help="Id of the fleet; the directory's name by default.")
def init(directory: Path, fleet: str | None) -> None:
    """Start a fleet repo in DIRECTORY (default: here) from the template.

    Files that are there already are never overwritten: a name that both have stops the command before it writes.
    """
    name = fleet or re.sub(r"[^a-z0-9-]+", "-", directory.resolve().name.lower()).strip("-")[:40] or "fleet"
    files = dict(_files(_template()))
    taken = sorted(path for path in files if (directory / path).exists())
    if taken:
        raise UsageError("file-exists", f"{directory / taken[0]} exists already", "choose an empty directory")
    for path, source in sorted(files.items()):
        content = source.read_bytes()
        if path == "fleet.yaml":
            content = _FLEET.sub(f"fleet: {name}", content.decode(), count=1).encode()
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    talk(f"{len(files)} files in {directory} for fleet {name!r}")
    talk("next: git init && git add -A && git commit -m 'A fleet' && reconciler check && reconciler sync --once")


def _template() -> Traversable:
    packaged = resources.files("reconciler.cli").joinpath("template")
    if packaged.is_dir():
        return packaged
    # A development install runs from the checkout, where the template stands beside the package.
    return Path(__file__).parents[2] / "fleet-repo-template"


def _files(directory: Traversable, prefix: str = "") -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for child in directory.iterdir():
        path = prefix + child.name
        found += _files(child, path + "/") if child.is_dir() else [(path, child)]
    return found
