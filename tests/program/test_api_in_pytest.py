"""The pytest plugin as the owner of a fleet repo meets it: pytest run in a repo, nothing else set up."""

import os
import subprocess
import sys
from pathlib import Path

TEMPLATE = Path(__file__).parents[2] / "fleet-repo-template"


def pytest_in(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    python = Path(sys.executable).parent
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PATH": f"{python}:{os.environ['PATH']}"}
    return subprocess.run(command, cwd=directory, env=env, capture_output=True, text=True, check=False)


def test_tests_of_the_template_pass_with_nothing_but_pytest() -> None:
    done = pytest_in(TEMPLATE)
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_the_fixture_says_where_it_looked(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(fleet_repo):\n    assert fleet_repo.clusters\n")
    assert "no fleet.yaml in" in pytest_in(tmp_path, "--rootdir", str(tmp_path)).stdout
    assert "1 passed" in pytest_in(tmp_path, "--fleet-repo", str(TEMPLATE)).stdout
