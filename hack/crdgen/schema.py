"""From a msgspec struct to a structural OpenAPI v3 schema (`apiextensions.k8s.io/v1`).

msgspec's JSON Schema knows constraints and `extra_json_schema`; here references are put in place, unions with null
become plain optional fields, and the docstrings under fields become descriptions.
"""

import ast
import functools
import importlib
import inspect
import itertools
import pkgutil
import textwrap
from typing import Any

import msgspec

from reconciler.model import wire

Schema = dict[str, Any]
_ORDER = ("description", "type", "format", "enum", "default")


def schema_of(kind: type[msgspec.Struct]) -> Schema:
    """The structural schema of a kind, without `$ref`, `title` or null."""
    (root,), components = msgspec.json.schema_components([kind], ref_template="{name}")
    structs = structs_on_the_wire()
    described = {name: _described(component, field_docs(structs[name])) for name, component in components.items()}
    schema = _structural(root, described)
    schema["properties"]["metadata"] = {"type": "object"}  # the API server allows nothing else
    return schema


@functools.cache
def structs_on_the_wire() -> dict[str, type[msgspec.Struct]]:
    """All structs of `reconciler.model.wire` by name, which is unique because it names the schema."""
    modules = [
        importlib.import_module(f"{wire.__name__}.{found.name}") for found in pkgutil.iter_modules(wire.__path__)
    ]
    structs = {value for module in modules for value in vars(module).values() if _is_struct(value)}
    names = [struct.__name__ for struct in structs]
    if len(set(names)) != len(names):
        raise ValueError("two structs of one name in reconciler.model.wire")
    return {struct.__name__: struct for struct in structs}


def _is_struct(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, msgspec.Struct)


def field_docs(struct: type[msgspec.Struct]) -> dict[str, str]:
    """Docstring under each field, by name on the wire; inherited fields included."""
    docs: dict[str, str] = {}
    for owner in reversed(struct.__mro__):
        if owner is msgspec.Struct or not issubclass(owner, msgspec.Struct):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0].body  # type: ignore[attr-defined]
        for before, after in itertools.pairwise(body):
            if isinstance(before, ast.AnnAssign) and isinstance(after, ast.Expr):
                docs[before.target.id] = inspect.cleandoc(ast.literal_eval(after.value))  # type: ignore[union-attr]
    names = dict(zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True))
    return {names[field]: text for field, text in docs.items() if field in names}


def _described(component: Schema, docs: dict[str, str]) -> Schema:
    properties = {
        name: value | ({"description": docs[name]} if name in docs else {})
        for name, value in component["properties"].items()
    }
    return component | {"properties": properties}


def _structural(schema: Schema, components: dict[str, Schema]) -> Schema:
    """Put references in place and drop null, all the way down."""
    own = {key: value for key, value in schema.items() if key not in ("$ref", "anyOf", "title", "default")}
    if "$ref" in schema:
        return _in_order(_structural(components[schema["$ref"]], components) | own)
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        return _in_order(_structural(options[0], components) | own)
    if options:
        own["anyOf"] = options
    if schema.get("default") is not None:
        own["default"] = schema["default"]
    if "enum" in own:
        own = {"type": "string"} | own
    if "items" in own:
        own["items"] = _structural(own["items"], components)
    if "additionalProperties" in own:
        values = own.pop("additionalProperties")
        # A map of anything says nothing beside `x-kubernetes-preserve-unknown-fields`.
        own |= {"additionalProperties": _structural(values, components)} if values else {}
    if "properties" in own:
        own |= _members(own, components)
    return _in_order(own)


def _members(schema: Schema, components: dict[str, Schema]) -> Schema:
    members = {name: _structural(value, components) for name, value in schema["properties"].items()}
    marked = {name for name, member in members.items() if member.pop("x-required", False)}
    required = sorted(marked | set(schema.get("required", ())))
    return {"properties": members, "required": required}


def _in_order(schema: Schema) -> Schema:
    """Keys as people write them, and no empty `required`."""
    ordered = {key: schema[key] for key in _ORDER if key in schema} | schema
    return {key: value for key, value in ordered.items() if value != []}
