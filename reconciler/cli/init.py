"""`reconciler init DIRECTORY`: a new fleet repo from the template that ships with the package."""

import os
import re
import shlex
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from reconciler.cli.terminal import talk
from reconciler.model.errors import UsageError

_FLEET = re.compile(r"^fleet:.*$", re.MULTILINE)
_ID = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")
_PLAIN = re.compile(r"[a-z][-a-z0-9]*")
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_SHARED = frozenset({"README.md", ".gitignore"})
"""Files that a repo may have already; they are kept as they are, and named."""


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--fleet", metavar="ID", help="Id of the fleet; the directory's name by default.")
def init(directory: Path, fleet: str | None) -> None:
    """Start a fleet repo in DIRECTORY (default: here) from the template.

    What is there already is never overwritten: README.md and .gitignore are kept, any other file of the template stops
    the command before it writes.
    """
    name = fleet or _name_of(directory)
    if not _ID.fullmatch(name):
        hint = "lower case letters, digits and -, at most 40"
        raise UsageError("bad-fleet-id", f"{name!r} cannot be the id of a fleet", hint)
    files = dict(_files(_template()))
    kept = sorted(path for path in files if os.path.lexists(directory / path))
    taken = [path for path in kept if path not in _SHARED]
    if taken:
        raise UsageError("file-exists", f"{directory / taken[0]} exists already", "choose another directory")
    for path, source in sorted(files.items()):
        if path not in kept:
            _write(
                directory / path, _personal(source.read_bytes(), name) if path == "fleet.yaml" else source.read_bytes()
            )
    talk(f"{len(files) - len(kept)} files in {directory} for fleet {name!r}")
    if kept:
        talk(f"kept as they were: {', '.join(kept)}")
    here = "" if directory.resolve() == Path.cwd() else f"cd {shlex.quote(str(directory))} && "
    talk(f"next:\n  {here}git init && git add -A && git commit -m 'A fleet'")
    talk("  reconciler check && reconciler sync --once")


def _name_of(directory: Path) -> str:
    """An id made of the directory's name."""
    return re.sub(r"[^a-z0-9]+", "-", directory.resolve().name.lower())[:40].strip("-") or "fleet"


def _personal(content: bytes, name: str) -> bytes:
    """The settings with the id of this fleet, quoted where YAML would read something else."""
    told = name if _PLAIN.fullmatch(name) and name not in _WORDS else f'"{name}"'
    return _FLEET.sub(f"fleet: {told}", content.decode(), count=1).encode()


def _write(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        file.write(content)


def _template() -> Traversable:
    packaged = resources.files("reconciler.cli").joinpath("template")
    if packaged.is_dir():
        return packaged
    # A development install runs from the checkout, where the template stands beside the package.
    return Path(__file__).parents[2] / "fleet-repo-template"


def _files(directory: Traversable, prefix: str = "") -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for child in directory.iterdir():
        if child.name == "__pycache__":
            continue  # of somebody who ran the template's tests in a checkout
        path = prefix + child.name
        found += _files(child, path + "/") if child.is_dir() else [(path, child)]
    return found
