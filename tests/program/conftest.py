"""Fixtures of the program tests."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.fleet import Fleet
from tests.program import template
from tests.program.fleetrepo import FleetRepo


@pytest.fixture
def repo(tmp_path: Path) -> FleetRepo:
    """An empty fleet repo with its remote."""
    return FleetRepo(tmp_path / "fleet")


@pytest.fixture
def fleet_id() -> str:
    """An id that no other test's fleet has."""
    return f"test-{secrets.token_hex(4)}"


@pytest.fixture
def delivered(fleet: Fleet) -> Iterator[str]:
    """The name of a namespace that is not there yet, for a delivery to make; deleted in the end wherever it is."""
    name = f"app-{secrets.token_hex(4)}"
    yield name
    for child in fleet.children:
        child.api.delete(f"/api/v1/namespaces/{name}")


@pytest.fixture(scope="session")
def template_seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as a fleet repo; not to be changed."""
    top = tmp_path_factory.mktemp("template") / "fleet"
    template.seed(top)
    return top


@pytest.fixture
def fleet_repo(template_seed: Path, tmp_path: Path) -> template.TemplateRepo:
    """A copy of the template's repo, with its remote, as one test's own."""
    return template.copy(template_seed, tmp_path / "fleet")
