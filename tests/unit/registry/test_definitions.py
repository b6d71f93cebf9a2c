"""The CRDs and the structs that they are generated from."""

from typing import Any

import msgspec
import pytest
from crdgen import files
from crdgen.kinds import KINDS
from crdgen.schema import field_docs, schema_of, structs_on_the_wire

from reconciler.model import authored
from reconciler.model.wire.meta import Quantity

OTHER_NAMES = {"OverrideConfig": "Override", "ChartPullSecret": "PullSecret"}
PAIRS = {
    name: (struct, vars(authored)[OTHER_NAMES.get(name, name)])
    for name, struct in structs_on_the_wire().items()
    if OTHER_NAMES.get(name, name) in vars(authored)
}


def fields(struct: type[msgspec.Struct]) -> set[str]:
    return set(struct.__struct_encode_fields__)


def required(struct: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(struct) if field.required}


def nodes(schema: dict[str, Any], path: str = "") -> Any:
    yield path, schema
    for name, member in schema.get("properties", {}).items():
        yield from nodes(member, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from nodes(schema[key], f"{path}[{key}]")


def test_committed_definitions_are_generated_from_these_models() -> None:
    assert files.stale() == [], "run hack/crds"


def test_a_file_that_no_kind_needs_is_stale(tmp_path: Any) -> None:
    files.write(tmp_path)
    (tmp_path / "old.yaml").write_text("")
    assert files.stale(tmp_path) == ["old.yaml"]
    assert files.write(tmp_path) == ["old.yaml"]
    assert not (tmp_path / "old.yaml").exists()


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_authors_and_servers_know_the_same_fields(name: str) -> None:
    wire, strict = PAIRS[name]
    assert fields(strict) == fields(wire) | (fields(strict) & {"status", "apiVersion", "kind"})


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_authors_must_give_what_the_server_requires(name: str) -> None:
    wire, strict = PAIRS[name]
    assert required(wire) <= required(strict)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.struct.__name__)
def test_schemas_are_structural(kind: Any) -> None:
    for path, node in nodes(schema_of(kind.struct)):
        typed = "type" in node or node.get("x-kubernetes-int-or-string")
        assert typed, f"{kind.name}{path} has no type"
        assert not {"$ref", "title", "nullable", "x-required"} & node.keys(), path
        assert set(node.get("required", ())) <= node.get("properties", {}).keys(), path


@pytest.mark.parametrize("name", sorted(structs_on_the_wire()))
def test_every_field_of_the_wire_is_described(name: str) -> None:
    struct = structs_on_the_wire()[name]
    assert fields(struct) - {"spec", "status"} <= field_docs(struct).keys()


def test_a_required_field_may_have_a_default() -> None:
    spec = schema_of(structs_on_the_wire()["Subscription"])["properties"]["spec"]
    dividing = spec["properties"]["dividingScheduling"]
    assert dividing["required"] == ["type"]
    assert dividing["properties"]["type"]["default"] == "Static"


def test_reading_the_wire_drops_what_a_newer_server_knows() -> None:
    cluster = structs_on_the_wire()["ManagedCluster"]
    read = msgspec.convert({"kind": "ManagedCluster", "status": {"k8sVersion": "v1.40.0", "new": 1}}, cluster)
    assert msgspec.to_builtins(read) == {"kind": "ManagedCluster", "status": {"k8sVersion": "v1.40.0"}}


def test_a_quantity_is_a_number_or_text() -> None:
    assert msgspec.convert([1, "500m"], list[Quantity]) == [1, "500m"]
