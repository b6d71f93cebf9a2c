"""`reconciler schema`: the JSON Schemas of fleet.yaml and the control kinds, as files next to them."""

import ast
import inspect
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import click
import msgspec

from reconciler.cli.terminal import talk
from reconciler.model import authored, settings
from reconciler.source import schemas


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".schemas"),
    show_default=True,
    help="Directory that the files are written into.",
)
def schema(out: Path) -> None:
    """Write the JSON Schemas of everything an author writes.

    Editors find them by a first line in each file: `# yaml-language-server: $schema=.schemas/subscription.json`.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        (out / name).write_text(content)
    talk(f"wrote {len(files())} schemas to {out}")


def files() -> Mapping[str, str]:
    """Text by file name, the same bytes for the same models."""
    notes = {**_notes(settings), **_notes(authored)}
    return {name: json.dumps(found, indent=2) + "\n" for name, found in schemas.schemas(notes).items()}


def _notes(module: ModuleType) -> dict[str, dict[str, str]]:
    """The texts below the fields of each struct, by the names that are written in files."""
    notes = {}
    for node in ast.parse(inspect.getsource(module)).body:
        struct = getattr(module, node.name, None) if isinstance(node, ast.ClassDef) else None
        if isinstance(node, ast.ClassDef) and isinstance(struct, type) and issubclass(struct, msgspec.Struct):
            encoded = {field.name: field.encode_name for field in msgspec.structs.fields(struct)}
            notes[node.name] = {encoded[field]: text for field, text in _texts(node) if field in encoded}
    return notes


def _texts(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in zip(node.body, node.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, " ".join(text.split())
            case _:
                pass
