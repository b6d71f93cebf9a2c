"""The commands given to kind and to the engine, as far as they can be tried without an engine."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml
from localfleet import kind
from localfleet.paths import ClusterDir
from localfleet.spec import default_spec

_DATA = {name: base64.b64encode(name.encode()).decode() for name in ("ca", "certificate", "key")}
_KUBECONFIG = {
    "clusters": [{"cluster": {"server": "https://127.0.0.1:6", "certificate-authority-data": _DATA["ca"]}}],
    "users": [{"user": {"client-certificate-data": _DATA["certificate"], "client-key-data": _DATA["key"]}}],
}

_KIND = """#!/bin/sh
echo "kind $*" >>{calls}
case "$1 $2" in
"get kubeconfig") cat {kubeconfig} ;;
"get clusters") cat {clusters} ;;
"create cluster") echo mine-child1 >>{clusters} ;;
esac
"""
_DOCKER = """#!/bin/sh
echo "docker $*" >>{calls}
case "$1" in
ps) echo container1 ;;
exec) echo authority-key ;;
esac
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose kind and docker write down how they were called: the file returned."""
    files = {name: tmp_path / name for name in ("calls", "kubeconfig", "clusters")}
    files["kubeconfig"].write_text(yaml.safe_dump(_KUBECONFIG))
    files["clusters"].touch()
    for name, text in (("kind", _KIND), ("docker", _DOCKER), ("kubectl", "#!/bin/sh\n")):
        program = tmp_path / name
        program.write_text(text.format(**files))
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return files["calls"]


def test_cluster_is_created_once_and_started_again(calls: Path, tmp_path: Path) -> None:
    fleet, files = default_spec("mine", 1, 0), ClusterDir(tmp_path / "child1")
    access = kind.up(fleet, fleet.clusters[1], files)
    kind.down("mine", "child1")
    kind.up(fleet, fleet.clusters[1], files)
    kind.delete("mine", "child1", files)
    ours = f"--kubeconfig={files.root}/kind.kubeconfig"
    done = [line for line in calls.read_text().splitlines() if " get " not in line and " ps " not in line]
    reading_the_key = "docker exec mine-child1-control-plane cat /etc/kubernetes/pki/ca.key"
    assert done == [
        f"kind create cluster --name=mine-child1 --config={files.root}/kind.yaml {ours} --wait=120s",
        reading_the_key,
        "docker stop --time=0 container1",
        "docker start container1",
        reading_the_key,
        f"kind delete cluster --name=mine-child1 {ours}",
    ]
    assert (access.context, access.server, access.ca) == ("mine-child1", "https://127.0.0.1:6", b"ca")
    assert {path.name for path in files.pki.iterdir()} == {"ca.crt", "ca.key", "admin.crt", "admin.key"}
    assert kind.server_of(files) == "https://127.0.0.1:6"
