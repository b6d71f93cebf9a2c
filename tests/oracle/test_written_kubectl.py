"""What we write into files, kubectl reads with identical meaning: one object full of scalars, in one call."""

import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reconciler.planning import filenames
from tests.plugins.fleet import tool
from tests.unit.planning.test_filenames import TRICKY, spelt

pytestmark = pytest.mark.needs_tool("kubectl")

ALPHABET = (
    "aZ09 yYnNeExXoO._-+:#'\"\\/~&*!|>%@`?,[]{}=<\n\t\r\x00\x07\x1b\x7f\x85\xa0üß€\u2028\u2029\ufeff\ufffd\U0001f600"
)


def written() -> dict[str, Any]:
    choice = random.Random(7)
    texts = [*TRICKY, *("".join(choice.choices(ALPHABET, k=choice.randint(0, 12))) for _ in range(1500))]
    texts += [f"{one}{two}" for one in TRICKY for two in ("\n", " ", "\nx\n", "\n\n")]
    numbers = [0, -1, 644, 2**63 - 1, -(2**63), 0.1, 1e21, -2.5e-7, 1e16, 123456789.125, True, False, None]
    keys = {text: number for number, text in enumerate(texts[:400])}
    return {
        "apiVersion": "example.com/v1",
        "kind": "Thing",
        "metadata": {"name": "thing"},
        "spec": {"texts": texts, "numbers": numbers, "keys": keys, "nested": [[], {}, [[{"a": []}]], {"": {"": None}}]},
    }


def test_kubectl_reads_what_was_written(tmp_path: Path) -> None:
    obj = written()
    file = tmp_path / "thing.yaml"
    file.write_bytes(filenames.serialise(obj))
    command = [str(tool("kubectl")), "label", "--local", "-o", "json", "-f", str(file), "oracle=x"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)["spec"]
    for member, value in obj["spec"].items():
        assert spelt(read[member]) == spelt(value), member
