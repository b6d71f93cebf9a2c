"""For pytest in a fleet repo: the fixture `fleet_repo`, read once per session.

The repo is found by its `fleet.yaml`, upwards from where pytest was started; `--fleet-repo DIR` names another one.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from reconciler.api import Fleet


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option --fleet-repo."""
    group = parser.getgroup("fleet", "fleet repo")
    group.addoption("--fleet-repo", metavar="DIR", help="Directory that holds fleet.yaml (default: found upwards).")


@pytest.fixture(scope="session")
def fleet_repo(request: pytest.FixtureRequest) -> "Fleet":
    """The fleet repo that the tests stand in, as `reconciler.api.read` gives it."""
    from reconciler import api

    return api.read(_directory(request.config))


def _directory(config: pytest.Config) -> Path:
    named: str | None = config.getoption("--fleet-repo")
    if named is not None:
        return Path(named)
    here = config.invocation_params.dir
    for directory in (here, *here.parents, config.rootpath):
        if (directory / "fleet.yaml").is_file():
            return directory
    raise pytest.UsageError(f"no fleet.yaml in {here} or above; --fleet-repo names the directory")
