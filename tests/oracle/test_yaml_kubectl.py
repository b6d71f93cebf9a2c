"""Our reading of YAML against kubectl's own, file by file; where we differ on purpose, a table says how and why."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.snapshot import Severity
from reconciler.source import documents, opening
from tests.oracle.yaml_cases import ACCEPTED, DEVIATIONS, REFUSED
from tests.plugins.fleet import tool

pytestmark = pytest.mark.needs_tool("kubectl")

Objects = dict[str, list[Any]]


@pytest.fixture(scope="session")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Objects:
    """Objects that kubectl reads from each file, in one call: without a server, it only adds a label."""
    contents = {**ACCEPTED, **REFUSED, **{name: deviation.content for name, deviation in DEVIATIONS.items()}}
    folder = tmp_path_factory.mktemp("oracle")
    for name, content in contents.items():
        (folder / f"{name}.yaml").write_bytes(content)
    command = [str(tool("kubectl")), "label", "--local", "-o", "json", "-f", str(folder), "oracle=x"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    found: Objects = {name: [] for name in contents}
    # the longest name first: an object is called after its file
    names = sorted(contents, key=len, reverse=True)
    for labelled in _objects(done.stdout):
        own = labelled["metadata"]["name"]
        name = _ODD_NAMES.get(own) or next(name for name in names if own.startswith(name))
        found[name].append(_without_label(labelled))
    return found


_ODD_NAMES = {"chunk-a": "document-behind-separator-in-chunk", "chunk-b": "document-behind-separator-in-chunk"}


def _objects(text: str) -> list[Any]:
    # 64 bits are an integer to kubectl, more are a float
    decoder = json.JSONDecoder(
        parse_int=lambda digits: int(digits) if -(2**63) <= int(digits) < 2**63 else float(digits)
    )
    objects, position = [], 0
    while text[position:].strip():
        position += len(text[position:]) - len(text[position:].lstrip())
        value, position = decoder.raw_decode(text, position)
        objects.append(value)
    return objects


def _without_label(value: dict[str, Any]) -> dict[str, Any]:
    labels = {key: text for key, text in value["metadata"]["labels"].items() if key != "oracle"}
    metadata = {key: member for key, member in value["metadata"].items() if key != "labels"}
    return {**value, "metadata": {**metadata, **({"labels": labels} if labels else {})}}


def _ours(content: bytes) -> tuple[list[Any], list[str]]:
    """Objects that we read, and the rules of the errors that we tell."""
    found = list(opening.opened("file.yaml", documents.parse(content)))
    rules = [problem.rule for one in found for problem in one.problems if problem.severity is Severity.ERROR]
    return [one.body for one in found if one.whole], rules


def _spelt(objects: list[Any]) -> list[str]:
    """Python holds 1, 1.0 and True equal; their JSON is not."""
    return [json.dumps(value, sort_keys=True) for value in objects]


@pytest.mark.parametrize("name", ACCEPTED)
def test_file_reads_as_kubectl_reads_it(name: str, theirs: Objects) -> None:
    objects, rules = _ours(ACCEPTED[name])
    assert _spelt(objects) == _spelt(theirs[name])
    assert bool(rules) == (not theirs[name] and not name.startswith("list-empty"))


@pytest.mark.parametrize("name", REFUSED)
def test_file_that_kubectl_refuses_is_a_problem(name: str, theirs: Objects) -> None:
    objects, rules = _ours(REFUSED[name])
    assert (objects, theirs[name]) == ([], [])
    assert rules or name == "top-level-list"


@pytest.mark.parametrize("name", DEVIATIONS)
def test_deviation_is_the_one_we_chose(name: str, theirs: Objects) -> None:
    deviation = DEVIATIONS[name]
    objects, rules = _ours(deviation.content)
    assert (len(theirs[name]), len(objects)) == (deviation.theirs, deviation.ours)
    assert rules == ([deviation.rule] if deviation.rule else [])


def test_oracle_is_asked_about_enough_and_most_of_it_is_accepted(theirs: Objects) -> None:
    assert len(ACCEPTED) >= 200
    assert sum(bool(theirs[name]) for name in ACCEPTED) > 0.9 * len(ACCEPTED)
    assert Path(tool("kubectl")).name == "kubectl"
