"""Where things stand in the files of a commit, to the line, and who wrote that line."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from reconciler.adapters.git.blame import Authored, blame
from reconciler.adapters.git.run import Git
from reconciler.model.snapshot import Place
from reconciler.source import positions
from reconciler.sync.options import Options
from reconciler.sync.reading import Ground

_BLOCK = re.compile(rb"[|>][-+0-9]*[ \t]*(#.*)?$")
"""The end of a line whose value is the lines below it."""


class Wanted(msgspec.Struct, frozen=True):
    """What is to be found: a field of a document, and a path inside the text that this field holds."""

    place: Place
    field: tuple[str | int, ...] = ()
    text: str = ""
    """The text that the field holds, where the inside of it is meant."""
    inside: tuple[str | int, ...] = ()


class Spot(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of a file."""

    path: str
    line: int = 0
    """From 1; 0 where it is about the whole file."""
    column: int = 0
    authored: Authored | None = None

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path


async def spots(ground: Ground, options: Options, wanted: Sequence[Wanted]) -> tuple[Spot, ...]:
    """The place of each, with its author where git knows; files are read and lines blamed once each."""
    files = {one.place.path: ground.tree.files[one.place.path] for one in wanted if one.place.path in ground.tree.files}
    contents = await ground.library.tools.blobs.blobs(set(files.values()))
    found = [_spot(one, {path: contents[blob] for path, blob in files.items()}) for one in wanted]
    authors: dict[tuple[str, int], Authored | None] = {}
    git = Git(options.environment)
    for spot in found:
        if spot.line and (spot.path, spot.line) not in authors and _is_here(options):
            where = _file(options, spot.path, ground.tree.commit or "")
            authors[spot.path, spot.line] = await blame(git, *where, spot.line, ground.tree.commit or "")
    return tuple(msgspec.structs.replace(spot, authored=authors.get((spot.path, spot.line))) for spot in found)


def _is_here(options: Options) -> bool:
    """Whether the repo is a directory of this machine, so that git can say who wrote a line of it."""
    return Path(options.repo).is_dir()


def _file(options: Options, path: str, commit: str) -> tuple[Path, str]:
    """Where git is asked, and for which path: a commit is asked by the repo's own paths."""
    repo = Path(options.repo)
    if not commit:
        return repo / options.path, path
    return repo, f"{options.path}/{path}" if options.path else path


def _spot(wanted: Wanted, contents: Mapping[str, bytes]) -> Spot:
    path, content = wanted.place.path, contents.get(wanted.place.path)
    if content is not None and path.endswith(".j2"):
        return _in_template(path, content, wanted.field)
    if content is None or not path.endswith((".yaml", ".yml", ".json")):
        return Spot(path)
    root = positions.of_document(content, wanted.place.document)
    if root is None:
        return Spot(path)
    node = positions.find(root, wanted.place.within(*wanted.field))
    lines = content.splitlines()
    if wanted.inside and 0 < node.line <= len(lines) and _BLOCK.search(lines[node.line - 1]):
        at = _inside(wanted, lines, node.line)
        if at:
            return Spot(path, at, len(lines[at - 1]) - len(lines[at - 1].lstrip()) + 1)
    return Spot(path, node.line, node.column)


def _in_template(path: str, content: bytes, field: tuple[str | int, ...]) -> Spot:
    """A template is no YAML before it is filled: the line of the field's name, where only one line has it."""
    names = [step for step in field if isinstance(step, str)]
    if not names:
        return Spot(path)
    key = re.compile(rb"[ \t{,-]*[\"']?" + re.escape(names[-1].encode()) + rb"[\"']?[ \t]*:")
    found = [number for number, line in enumerate(content.splitlines(), 1) if key.match(line)]
    return Spot(path, found[0], 1) if len(found) == 1 else Spot(path)


def _inside(wanted: Wanted, lines: Sequence[bytes], start: int) -> int:
    """The line of a place inside a text that begins below line `start`; 0 where the file has another text there."""
    text = wanted.text.encode()
    inner = positions.of_document(text, 0)
    line = positions.find(inner, wanted.inside).line if inner is not None else 1
    said, at = text.splitlines(), start + line
    same = at <= len(lines) and line <= len(said) and lines[at - 1].strip() == said[line - 1].strip()
    return at if same else 0  # a template was filled, or the lines were folded
