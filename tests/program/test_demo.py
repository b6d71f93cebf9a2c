"""`hack/demo` does what the README says, without a cluster."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> str:
    where = tmp_path_factory.mktemp("demo") / "here"
    done = subprocess.run(
        [str(TOP / "hack" / "demo"), str(where)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_demo_shows_the_override_and_the_removal_as_a_difference_of_files(shown: str) -> None:
    assert "-        image: nginxinc/nginx-unprivileged:1.27.5" in shown
    assert "+        image: nginxinc/nginx-unprivileged:1.28.0" in shown
    assert shown.count("-kind: ServiceExport") == 2, "removed from staging and prod"


def test_demo_ends_with_nothing_to_do_and_the_status(shown: str) -> None:
    assert "nothing to do" in shown
    assert "Status: 5 of 5 deliveries good" in shown


def test_every_command_that_the_demo_shows_fits_80_columns(shown: str) -> None:
    assert [line for line in shown.splitlines() if line.startswith("$ ") and len(line) > 80] == []
