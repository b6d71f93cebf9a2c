"""Our patches against kubectl's: `kubectl patch --local` runs the same Go library as Clusternet.

Clusternet wraps it: where kubectl fails for something missing, Clusternet keeps the object. Everything else must agree,
also on random documents and patches.
"""

import json
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reconciler.render import merge, patch
from reconciler.render.pointer import same
from tests.plugins.fleet import tool

pytestmark = pytest.mark.needs_tool("kubectl")

SEED = 20261123
VECTORS = json.loads((Path(__file__).parents[1] / "unit" / "render" / "vectors" / "rfc6902.json").read_text())
MISSING = ("missing value", "missing field")
KEYS = ["a", "b", "x/y", "t~", "0", "1"]
TOKENS = ["a", "b", "x~1y", "t~0", "0", "1", "2", "-", "-1", "-3", "+1", "01", "x", ""]


def kubectl(sort, document, change, folder):
    """What kubectl makes of `spec`; None and its words when it refuses."""
    obj = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "thing"}, "spec": document}
    file = folder / f"{random.Random(json.dumps([document, change])).randrange(1 << 64):x}.json"
    file.write_text(json.dumps(obj))
    command = [str(tool("kubectl")), "patch", "--local", f"--filename={file}", f"--type={sort}", "-o", "json"]
    done = subprocess.run(
        [*command, f"--patch={json.dumps(change)}"], capture_output=True, text=True, timeout=60, check=False
    )
    return (json.loads(done.stdout).get("spec"), "") if done.returncode == 0 else (None, done.stderr)


def below_spec(operations):
    """The same operations on the `spec` of an object."""
    moved = []
    for operation in operations:
        paths = {member: "/spec" + operation[member] for member in ("path", "from") if member in operation}
        moved.append({**operation, **paths})
    return moved


def agree_on_json(document, operations, folder):
    theirs, words = kubectl("json", document, below_spec(operations), folder)
    obj = {"spec": document}
    ours = patch.apply(obj, below_spec(operations))
    told = f"{json.dumps(document)}  {json.dumps(operations)}  kubectl: {theirs} {words}  ours: {ours}"
    if words:
        assert ours.fault is not None, told
        assert ours.fault.missing is any(word in words for word in MISSING), told
    else:
        assert ours.fault is None, told
        assert same(ours.value.get("spec"), theirs), told


def agree_on_merge(document, change, folder):
    theirs, words = kubectl("merge", document, {"spec": change}, folder)
    ours = merge.apply({"spec": document}, {"spec": change}).value.get("spec")
    assert not words
    assert same(ours, theirs), f"{json.dumps(document)}  {json.dumps(change)}  kubectl: {theirs}  ours: {ours}"


def documents(dice, depth=3):
    sort = dice.randrange(8 if depth else 4)
    if sort < 4:
        return [None, True, 1, "text"][sort]
    if sort < 6:
        return [documents(dice, depth - 1) for _ in range(dice.randrange(4))]
    return {key: documents(dice, depth - 1) for key in dice.sample(KEYS, dice.randrange(4))}


def root(dice):
    return {key: documents(dice) for key in dice.sample(KEYS, 4)}


def pointers(dice, value):
    """A pointer that mostly leads somewhere in the document."""
    text = ""
    while True:
        if dice.random() < 0.15 or not isinstance(value, dict | list) or not value:
            return text + "/" + dice.choice(TOKENS)
        at = dice.choice(sorted(value) if isinstance(value, dict) else range(len(value)))
        text += "/" + str(at).replace("~", "~0").replace("/", "~1")
        value = value[at]
        if dice.random() < 0.4:
            return text


def operations(dice, document):
    made = []
    for _ in range(dice.randrange(1, 4)):
        operation = {"op": dice.choice(["add", "remove", "replace", "move", "copy", "test"])}
        operation["path"] = pointers(dice, document)
        if operation["op"] in ("move", "copy"):
            operation["from"] = pointers(dice, document)
        elif operation["op"] != "remove":
            operation["value"] = documents(dice, 1)
        made.append(operation)
    return made


def together(check, cases, folder):
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda case: check(*case, folder), cases))


def test_json_patch_agrees_on_the_examples_of_the_rfc(tmp_path):
    cases = [(v["doc"], v["patch"]) for v in VECTORS if all(_usual(operation) for operation in v["patch"])]
    assert len(cases) > 50
    together(agree_on_json, cases, tmp_path)


def _usual(operation):
    """Whether it can be moved below a key: the root, and paths that are none, mean something else there."""
    paths = [operation[member] for member in ("path", "from") if member in operation]
    return all(isinstance(path, str) and path.startswith("/") for path in paths)


def test_json_patch_agrees_on_random_documents(tmp_path):
    dice = random.Random(SEED)
    cases = [(document, operations(dice, document)) for document in (root(dice) for _ in range(150))]
    together(agree_on_json, cases, tmp_path)


def test_merge_patch_agrees_on_random_documents(tmp_path):
    dice = random.Random(SEED)
    together(agree_on_merge, [(root(dice), root(dice)) for _ in range(40)], tmp_path)
