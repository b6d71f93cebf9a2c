"""JSON Schemas of everything that an author writes, generated from the models that read it, for editors and CI."""

from collections.abc import Mapping
from typing import Any

import msgspec

from reconciler.model.settings import Settings
from reconciler.source import kinds

Notes = Mapping[str, Mapping[str, str]]
"""What fields mean: text by field, by name of the struct."""


def schemas(notes: Notes) -> Mapping[str, Any]:
    """Schema by file name: `fleet.json` for the settings, and one per control kind."""
    models = {"fleet": Settings, **{kind.lower(): model for (_, kind), model in sorted(kinds.MODELS.items())}}
    return {f"{name}.json": schema(model, notes) for name, model in models.items()}


def schema(model: type, notes: Notes) -> Mapping[str, Any]:
    """The schema of one struct and of all that it holds."""
    (schema,), components = msgspec.json.schema_components([model], ref_template="#/definitions/{name}")
    definitions = {name: _described(name, part, notes) for name, part in sorted(components.items())}
    # draft 7 is what editors support in full
    return {"$schema": "http://json-schema.org/draft-07/schema#", **schema, "definitions": definitions}


def _described(name: str, part: Mapping[str, Any], notes: Notes) -> Mapping[str, Any]:
    properties = {
        field: {**member, "description": notes[name][field]} if field in notes.get(name, {}) else member
        for field, member in part.get("properties", {}).items()
    }
    return {**part, "properties": properties} if properties else part
