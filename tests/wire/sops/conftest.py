"""Keys for one session."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program.fleetrepo import FleetRepo
from tests.wire.sops.keys import Age, Pgp


@pytest.fixture(scope="session")
def age(tmp_path_factory: pytest.TempPathFactory) -> Age:
    return Age.made(tmp_path_factory.mktemp("age") / "key.txt")


@pytest.fixture(scope="session")
def pgp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pgp]:
    # a socket's path has 107 bytes at most, so the keyring stands high up
    made = Pgp.made(tmp_path_factory.mktemp("g") / "h")
    yield made
    made.end()


@pytest.fixture
def nobody(tmp_path: Path) -> dict[str, str]:
    """An environment without any key."""
    return {"HOME": str(tmp_path / "nobody"), "SOPS_AGE_KEY_FILE": "", "GNUPGHOME": str(tmp_path / "none")}


@pytest.fixture
def repo(tmp_path: Path) -> FleetRepo:
    """An empty fleet repo with its remote."""
    return FleetRepo(tmp_path / "fleet")


@pytest.fixture
def fleet_id() -> str:
    """An id that no other test's fleet has."""
    return f"test-{secrets.token_hex(4)}"
