"""kubectl parses and writes quantities with Kubernetes' own code; we write the same."""

import json
import random
import subprocess

import pytest

from reconciler.model.quantity import parse
from tests.plugins.fleet import tool

SUFFIXES = ["n", "u", "m", "", "k", "M", "G", "T", "P", "Ki", "Mi", "Gi", "Ti", "e3", "E-3", "e0", "e6", "e-6", "e2"]


def quantities() -> list[str]:
    """Two thousand quantities that fit 63 bits, with fractions and every suffix."""
    dice = random.Random(20)
    made = []
    for _ in range(2000):
        number = str(dice.choice([0, 1, 5, 512, 1000, 1024, 1536, dice.randrange(10**4), dice.randrange(10**6)]))
        if dice.random() < 0.4:
            number += f".{dice.randrange(10 ** dice.randrange(1, 5))}"
        made.append(number + dice.choice(SUFFIXES))
    return made


@pytest.mark.needs_tool("kubectl")
def test_quantities_are_written_as_kubectl_writes_them() -> None:
    given = quantities()
    hard = ",".join(f"count/r{i}={text}" for i, text in enumerate(given))
    command = [str(tool("kubectl")), "create", "quota", "q", f"--hard={hard}", "--dry-run=client", "-o", "json"]
    written = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)["spec"]["hard"]
    # kubectl may keep a text as it was given; such an answer says nothing.
    answers = {text: written[f"count/r{i}"] for i, text in enumerate(given) if written[f"count/r{i}"] != text}
    assert len(answers) > 500
    assert {text: str(parse(text)) for text in answers} == answers
