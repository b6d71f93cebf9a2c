"""`reconciler schema`: the JSON Schemas of fleet.yaml, the control kinds and plan files, as files next to them."""

import ast
import inspect
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import click
import msgspec

from reconciler.cli.terminal import talk
from reconciler.model import applysettings, authored, core, planfile, proposal, rollout, settings, subscription
from reconciler.model.planfile import PlanFile
from reconciler.source import schemas

_MODULES = (settings, applysettings, rollout, core, subscription, authored, planfile, proposal)
"""The modules that hold what authors write, and the plan file."""


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".schemas"),
    show_default=True,
    help="Directory that the files are written into.",
)
def schema(out: Path) -> None:
    """Write the JSON Schemas of everything an author writes, and of plan files.

    Editors find them by a first line in each file: `# yaml-language-server: $schema=.schemas/subscription.json`.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        (out / name).write_text(content)
    talk(f"wrote {len(files())} schemas to {out}")


def files() -> Mapping[str, str]:
    """Text by file name, the same bytes for the same models."""
    told = notes()
    found = {**schemas.schemas(told), "plan.json": schemas.schema(PlanFile, told)}
    return {name: json.dumps(one, indent=2) + "\n" for name, one in found.items()}


def notes() -> schemas.Notes:
    """The texts below the fields of each struct, by the names that are written in files."""
    own = {name: texts for module in _MODULES for name, texts in _own(module)}
    return {struct.__name__: _inherited(struct, own) for module in _MODULES for struct in _structs(module)}


def _structs(module: ModuleType) -> Iterator[type[msgspec.Struct]]:
    for found in vars(module).values():
        if isinstance(found, type) and issubclass(found, msgspec.Struct):
            yield found


def _own(module: ModuleType) -> Iterator[tuple[str, dict[str, str]]]:
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ClassDef):
            yield node.name, dict(_texts(node))


def _inherited(struct: type[msgspec.Struct], own: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    texts = {field: text for one in reversed(struct.__mro__) for field, text in own.get(one.__name__, {}).items()}
    fields = msgspec.structs.fields(struct)
    return {field.encode_name: texts[field.name] for field in fields if field.name in texts}


def _texts(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in zip(node.body, node.body[1:], strict=False):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, " ".join(text.split())
            case _:
                pass
