"""The same bytes from every process: whatever the hash seed, whatever the order in which files are read."""

import os
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parents[3]


def digest(seed: int) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": str(TOP)}
    command = [sys.executable, "-m", "tests.unit.render.story", str(seed)]
    return subprocess.run(command, env=environment, cwd=TOP, check=True, capture_output=True, text=True).stdout


def test_render_is_the_same_under_every_hash_seed_and_in_every_order_of_files():
    assert digest(1) == digest(2) == digest(77)
