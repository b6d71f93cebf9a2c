"""A local fleet for tests: one per session, shared by all xdist workers, gone when the session ends.

Fixtures: `fleet` (session), `namespace` (fresh on every cluster). Markers: `needs_fleet` (set by itself on every test
that asks for the fleet) and `needs_tool("helm")`. What is missing on a user's machine skips; under CI=true it fails.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

HACK = Path(__file__).resolve().parents[2] / "hack"
sys.path.insert(0, str(HACK))

from localfleet.api import Api  # noqa: E402
from localfleet.paths import fleets_root  # noqa: E402
from localfleet.processes import Identity, identity_of  # noqa: E402
from localfleet.programs import PROGRAMS  # noqa: E402

KEPT = "test-kept"
_NAME = pytest.StashKey[str]()
_OWNER = pytest.StashKey[str]()


class KubectlFailed(AssertionError):
    """kubectl ended with an error; the message is its stderr."""


@dataclass(frozen=True)
class Cluster:
    """One running cluster; files are PEM, `kubeconfig` has the single context `context`."""

    name: str
    context: str
    server: str
    kubeconfig: Path
    pki: Path

    @property
    def ca_file(self) -> Path:
        return self.pki / "ca.crt"

    @property
    def ca_key(self) -> Path:
        return self.pki / "ca.key"

    @property
    def admin_cert(self) -> Path:
        return self.pki / "admin.crt"

    @property
    def admin_key(self) -> Path:
        return self.pki / "admin.key"

    @property
    def api(self) -> Api:
        """Plain requests as the administrator, for what a test needs besides kubectl."""
        return Api(self.server, self.pki)

    def kubectl(self, *arguments: str, input: str | None = None) -> str:
        """The stdout of kubectl as the administrator; raises `KubectlFailed` on any exit code but 0."""
        command = [str(tool("kubectl")), f"--kubeconfig={self.kubeconfig}", *arguments]
        done = subprocess.run(command, input=input, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            raise KubectlFailed(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout


@dataclass(frozen=True)
class Fleet:
    """A parent and its children; `kubeconfig` has the contexts of all of them."""

    name: str
    kubeconfig: Path
    parent: Cluster
    children: tuple[Cluster, ...]

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        return (self.parent, *self.children)


def tool(name: str) -> Path:
    """The path of a program: the pinned one if it is built, otherwise from PATH; skips or fails the test if neither."""
    program = PROGRAMS.get(name)
    if program and (cached := program.cached(program.pinned)).exists():
        return cached
    found = shutil.which(name)
    if found is None:
        how = f"; `hack/fleet binaries {name}` builds it" if program else ""
        missing(f"{name} is not here{how}")
    return Path(found)


def missing(reason: str) -> NoReturn:
    """Skip, because this machine lacks something; under CI=true nothing may be lacking."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def localfleet(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `hack/fleet` with these arguments; its stdout is captured, its talk goes on."""
    paths = os.pathsep.join(filter(None, [str(HACK), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "localfleet", *arguments]
    env = {**os.environ, "PYTHONPATH": paths}
    return subprocess.run(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=env, check=False)


def fleet_from(status: dict[str, Any]) -> Fleet:
    """The fleet that `hack/fleet up -o json` printed."""
    parent, *children = (
        Cluster(c["name"], c["context"], c["server"], Path(c["kubeconfig"]), Path(c["pki"])) for c in status["clusters"]
    )
    return Fleet(status["name"], Path(status["kubeconfig"]), parent, tuple(children))


def claim(config: pytest.Config, name: str) -> None:
    """Say that this session owns the fleet `test-…`: should the session be killed, a later one deletes it."""
    directory = fleets_root() / name
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "owner").write_text(config.stash[_OWNER])


@pytest.fixture(scope="session")
def fleet(pytestconfig: pytest.Config) -> Fleet:
    """A parent and three children with two simulated nodes each."""
    name = pytestconfig.stash[_NAME]
    directory = fleets_root() / name
    _remove_orphans()
    if name != KEPT:
        claim(pytestconfig, name)
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        done = localfleet("up", "--name", name, "--kubeconfig", str(directory / "kubeconfig"), "-o", "json")
    if done.returncode == 2:
        missing("no local fleet can be started here; `hack/fleet up` says why")
    if done.returncode:
        pytest.fail("the local fleet did not come up; `hack/fleet up` says why", pytrace=False)
    return fleet_from(json.loads(done.stdout))


@pytest.fixture
def namespace(fleet: Fleet) -> Iterator[str]:
    """A fresh namespace of the same name on every cluster; its deletion is not waited for."""
    name = f"test-{secrets.token_hex(4)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    for cluster in fleet.clusters:
        cluster.api.apply(f"/api/v1/namespaces/{name}", body)
    yield name
    for cluster in fleet.clusters:
        cluster.api.delete(f"/api/v1/namespaces/{name}")


def pytest_addoption(parser: pytest.Parser) -> None:
    text = f"keep the local fleet (its name is {KEPT}) after the session, and use it again in the next one"
    parser.addoption("--keep-fleet", action="store_true", help=text)


def pytest_configure(config: pytest.Config) -> None:
    given: dict[str, str] = getattr(config, "workerinput", {})
    mine = identity_of(os.getpid())
    name = KEPT if config.getoption("--keep-fleet") else f"test-{os.getpid()}-{secrets.token_hex(2)}"
    config.stash[_NAME] = given.get("fleet_name", name)
    config.stash[_OWNER] = given.get("fleet_owner", json.dumps(asdict(mine)) if mine else "")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist: every worker uses the fleet of the session that started it."""
    node.workerinput["fleet_name"] = node.config.stash[_NAME]
    node.workerinput["fleet_owner"] = node.config.stash[_OWNER]


def pytest_unconfigure(config: pytest.Config) -> None:
    name = config.stash.get(_NAME, KEPT)
    if not hasattr(config, "workerinput") and name != KEPT and (fleets_root() / name).exists():
        localfleet("delete", "--name", name)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "fleet" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.needs_fleet)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs_tool"):
        tool(mark.args[0])


def _remove_orphans() -> None:
    """Delete the fleets of test sessions that were killed before they could."""
    for owner in fleets_root().glob("test-*/owner"):
        try:
            known = Identity(**json.loads(owner.read_text()))
        except (OSError, ValueError, TypeError):
            continue
        if identity_of(known.pid) != known:
            localfleet("delete", "--name", owner.parent.name)
