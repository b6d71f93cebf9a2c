"""The same bytes from every process: whatever the hash seed, whatever the order in which files are read."""

import os
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parents[3]


def begun(seed: int) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": str(TOP)}
    command = [sys.executable, "-m", "tests.unit.render.story", str(seed)]
    return subprocess.Popen(command, env=environment, cwd=TOP, stdout=subprocess.PIPE, text=True)


def test_render_is_the_same_under_every_hash_seed_and_in_every_order_of_files():
    digests = [process.communicate()[0] for process in [begun(1), begun(77)]]
    assert len(digests[0].strip()) == 40
    assert digests[0] == digests[1]
