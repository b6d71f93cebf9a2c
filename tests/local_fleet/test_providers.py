"""Which provider is taken, why, and what the fleet would look like; nothing is started."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from localfleet import building, kind, providers, spec
from localfleet.certificates import Authority, Leaf, ensure
from localfleet.failures import UsageError
from localfleet.paths import BUILD_MODULES
from localfleet.programs import CONTROL_PLANE, PROGRAMS
from localfleet.providers import Provider


def _program(directory: Path, name: str, says: str = "", exits: int = 0) -> None:
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_text(f"#!/bin/sh\n[ -z '{says}' ] || echo '{says}'\nexit {exits}\n")
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on it: its PATH is the directory returned, its cache is empty."""
    path = tmp_path / "path"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return path


def _install_control_plane(directory: Path, controllers: str = "v1.36.3") -> None:
    for name in CONTROL_PLANE:
        _program(directory, name, f"Kubernetes {controllers if 'controller' in name else 'v1.36.3'}")


def test_kind_with_an_engine_comes_first(machine: Path) -> None:
    _install_control_plane(machine)
    _program(machine, "kind")
    _program(machine, "docker")
    choice = providers.choose(CONTROL_PLANE, {})
    assert (choice.provider, choice.why) == (Provider.KIND, "kind is in PATH and docker answers")


def test_kind_without_an_engine_gives_way_to_installed_programs(machine: Path) -> None:
    _install_control_plane(machine)
    _program(machine, "kind")
    _program(machine, "docker", exits=1)
    choice = providers.choose(CONTROL_PLANE, {})
    assert choice.provider is Provider.BINARIES
    assert choice.why == ("found in KUBEBUILDER_ASSETS or PATH; not kind: neither a Docker nor a Podman engine answers")


def test_kubebuilder_assets_are_preferred_to_path(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install_control_plane(machine)
    _install_control_plane(machine.parent / "assets")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(machine.parent / "assets"))
    found = providers.obtain(CONTROL_PLANE, {}, Provider.BINARIES)
    assert {path.parent.name for path in found.values()} == {"assets"}


def test_programs_of_different_releases_are_not_mixed(machine: Path) -> None:
    _install_control_plane(machine, controllers="v1.31.0")
    _program(machine, "go")
    choice = providers.choose(CONTROL_PLANE, {})
    assert choice.provider is Provider.BUILD
    assert "kube-apiserver v1.36, kube-controller-manager v1.31" in choice.why


def test_cache_comes_before_a_build(machine: Path) -> None:
    for name in CONTROL_PLANE:
        path = PROGRAMS[name].cached(PROGRAMS[name].pinned)
        path.parent.mkdir(parents=True)
        _program(path.parent, name)
    choice = providers.choose(CONTROL_PLANE, {})
    assert choice.provider is Provider.BINARIES
    assert choice.why.startswith("found in the cache of earlier builds; not kind")


def test_empty_machine_with_go_builds(machine: Path) -> None:
    _program(machine, "go")
    choice = providers.choose(CONTROL_PLANE, {})
    assert choice.provider is Provider.BUILD
    assert "there is no kind in PATH" in choice.why


def test_empty_machine_without_go_is_told_what_is_missing(machine: Path) -> None:
    with pytest.raises(UsageError, match=r"no kind in PATH.*the cache lacks etcd.*no Go in PATH"):
        providers.choose(CONTROL_PLANE, {})


def test_wanted_provider_is_not_replaced_by_another(machine: Path) -> None:
    _program(machine, "go")
    with pytest.raises(UsageError, match="not kind"):
        providers.choose(CONTROL_PLANE, {}, Provider.KIND)


def test_other_version_is_looked_up_under_its_own_name(machine: Path) -> None:
    assert PROGRAMS["kube-apiserver"].cached("v1.35.4").parent.name.startswith("kube-apiserver-v1.35.4-")
    assert providers.version_of("kube-scheduler", {"kubernetes": "v1.35.4"}) == "v1.35.4"


def test_build_command_tells_kubernetes_its_version() -> None:
    command = building.build_command(PROGRAMS["kubectl"], "v1.36.3", Path("out"))
    flags = command[command.index("-ldflags") + 1]
    assert "-X k8s.io/component-base/version.gitVersion=v1.36.3" in flags
    assert "version.gitMajor=1 " in flags
    assert "version.gitMinor=36 " in flags


def test_staging_modules_are_replaced_by_published_ones() -> None:
    go_mod = "replace (\n\tk8s.io/api => ./staging/src/k8s.io/api\n\tother/mod => ../other\n)\n"
    assert building.staging_replacements(go_mod, "v1.35.4") == ["replace k8s.io/api => k8s.io/api v0.35.4"]


def test_build_modules_name_no_registry_host() -> None:
    for program in PROGRAMS.values():
        assert program.pinned.startswith("v")
    for file in BUILD_MODULES.rglob("go.*"):
        assert "://" not in file.read_text()


def test_kind_configuration_carries_ranges_nodes_and_flags() -> None:
    cluster = spec.ClusterSpec("child1", 1, 2, ("--v=4", "--profiling"))
    config = kind.configuration(cluster, "v1.36.3")
    assert config["networking"] == {"serviceSubnet": "10.101.0.0/16", "podSubnet": "10.151.0.0/16"}
    assert [node["role"] for node in config["nodes"]] == ["control-plane", "worker", "worker"]
    assert {node["image"] for node in config["nodes"]} == {"kindest/node:v1.36.3"}
    arguments = yaml.safe_load(config["kubeadmConfigPatches"][0])["apiServer"]["extraArgs"]
    assert arguments == {"enable-bootstrap-token-auth": "true", "v": "4", "profiling": "true"}


def test_config_file_describes_a_fleet(tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text(
        "versions: {kubernetes: v1.35.4}\nclusters: [{name: hub}, {name: edge, nodes: 5, apiserverFlags: [--v=2]}]\n"
    )
    fleet = spec.read_config(file, "mine")
    assert [(c.name, c.index, c.nodes, c.apiserver_flags) for c in fleet.clusters] == [
        ("hub", 0, 0, ()),
        ("edge", 1, 5, ("--v=2",)),
    ]
    assert (fleet.context_of("edge"), dict(fleet.versions)) == ("mine-edge", {"kubernetes": "v1.35.4"})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("clusters: []", "at least the parent"),
        (
            "clusters: [{name: a, node: 3}]",
            r"clusters\[0\]: unknown field 'node'; known are apiserverFlags, name, nodes",
        ),
        ("clusters: [{name: A_b}]", "use lower-case letters"),
        ("clusters: [{name: ../x}]", "use lower-case letters"),
        ("clusters: [{name: a}, {name: a}]", "two clusters are called 'a'"),
        ("clusters: [{name: a, nodes: -1}]", r"clusters\[0\].nodes: a number"),
        ("clusters: [{name: a, apiserverFlags: [v=2]}]", "a list of flags like --v=2"),
        ("{", "while parsing"),
    ],
)
def test_wrong_config_file_is_told(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=problem):
        spec.read_config(file, "mine")


def test_fleet_grows_and_shrinks_without_moving_addresses() -> None:
    fleet = spec.default_spec("default", 3, 2)
    grown = spec.resized(spec.resized(fleet, 1, 4), 2, None)
    assert [(c.name, c.index, c.nodes) for c in grown.clusters] == [
        ("parent", 0, 0),
        ("child1", 1, 4),
        ("child2", 2, 4),
    ]


def test_certificates_are_made_once_and_private(tmp_path: Path) -> None:
    pki = tmp_path / "cluster" / "pki"
    ensure(pki, "10.100.0.1")
    first = {file.name: file.read_bytes() for file in pki.iterdir()}
    ensure(pki, "10.100.0.1")
    assert {file.name: file.read_bytes() for file in pki.iterdir()} == first
    assert {file.stat().st_mode & 0o777 for file in pki.glob("*.key")} == {0o600}
    certificate, _ = Authority.load(pki / "ca.crt", pki / "ca.key").sign(Leaf("more", hosts=("127.0.0.1",)))
    assert certificate.startswith(b"-----BEGIN CERTIFICATE-----")
