"""The kind provider: one kind cluster per member of the fleet.

Its configuration files and commands are tested; the commands themselves run only where a Docker engine is.
"""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from localfleet import kubeconfigs
from localfleet.clusters import apply_crds
from localfleet.failures import FleetError
from localfleet.kubeconfigs import Access
from localfleet.paths import ClusterDir
from localfleet.progress import doing
from localfleet.spec import ClusterSpec, FleetSpec


def cluster_name(fleet: str, cluster: str) -> str:
    """How kind calls the cluster; its containers carry this name, too."""
    return f"{fleet}-{cluster}"


def configuration(spec: ClusterSpec, kubernetes: str | None) -> dict[str, Any]:
    """The kind configuration of one cluster: its own address ranges, a worker per node, the extra API server flags."""
    roles = ["control-plane", *["worker"] * spec.nodes]
    image = {"image": f"kindest/node:{kubernetes}"} if kubernetes else {}
    flags = dict(flag.removeprefix("--").partition("=")[::2] for flag in spec.apiserver_flags)
    args = {"enable-bootstrap-token-auth": "true", **{name: value or "true" for name, value in flags.items()}}
    patch = {"kind": "ClusterConfiguration", "apiServer": {"extraArgs": args}}
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "networking": {"serviceSubnet": spec.service_cidr, "podSubnet": spec.pod_cidr},
        "nodes": [{"role": role, **image} for role in roles],
        "kubeadmConfigPatches": [yaml.safe_dump(patch, sort_keys=False)],
    }


def create_command(name: str, config: Path, kubeconfig: Path) -> list[str]:
    """Create and wait for the control plane; kind's own kubeconfig stays out of the user's."""
    flags = [f"--name={name}", f"--config={config}", f"--kubeconfig={kubeconfig}", "--wait=120s"]
    return ["kind", "create", "cluster", *flags]


def delete_command(name: str, kubeconfig: Path) -> list[str]:
    return ["kind", "delete", "cluster", f"--name={name}", f"--kubeconfig={kubeconfig}"]


def up(fleet: FleetSpec, spec: ClusterSpec, directory: ClusterDir) -> Access:
    """Create the cluster, or start its stopped containers; returns how to reach it."""
    name = cluster_name(fleet.name, spec.name)
    directory.root.mkdir(parents=True, exist_ok=True)
    if name in existing():
        _engine("start", *_containers(name))
    else:
        config = directory.root / "kind.yaml"
        config.write_text(yaml.safe_dump(configuration(spec, fleet.versions.get("kubernetes")), sort_keys=False))
        with doing(f"{spec.name}: kind creates {name}"):
            _run(create_command(name, config, directory.root / "kind.kubeconfig"))
    access = _access(_run(["kind", "get", "kubeconfig", f"--name={name}"]), fleet.context_of(spec.name), name)
    kubeconfigs.write(directory.kubeconfig, access)
    _write_pki(directory, name, access)
    apply_crds(directory, Path(shutil.which("kubectl") or "kubectl"))
    return access


def down(fleet: str, cluster: str) -> None:
    """Stop the containers; nothing is lost."""
    if containers := _containers(cluster_name(fleet, cluster)):
        _engine("stop", "--time=0", *containers)


def delete(fleet: str, cluster: str, directory: ClusterDir) -> None:
    _run(delete_command(cluster_name(fleet, cluster), directory.root / "kind.kubeconfig"))


def existing() -> list[str]:
    """The names of all kind clusters."""
    return _run(["kind", "get", "clusters"]).split()


def is_running(fleet: str, cluster: str) -> bool:
    """Whether all containers of the cluster run."""
    name = cluster_name(fleet, cluster)
    filters = [f"--filter=label=io.x-k8s.kind.cluster={name}", "--filter=status=running"]
    up_now = _engine("ps", "--quiet", *filters).split()
    return bool(up_now) and len(up_now) == len(_containers(name))


def _containers(name: str) -> list[str]:
    return _engine("ps", "--all", "--quiet", f"--filter=label=io.x-k8s.kind.cluster={name}").split()


def _access(text: str, context: str, owner: str) -> Access:
    content = yaml.safe_load(text)
    cluster, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
    ca, certificate, key = (
        base64.b64decode(source)
        for source in (cluster["certificate-authority-data"], user["client-certificate-data"], user["client-key-data"])
    )
    return Access(context, owner, cluster["server"], ca, certificate, key)


def _write_pki(directory: ClusterDir, name: str, access: Access) -> None:
    directory.pki.mkdir(exist_ok=True, mode=0o700)
    authority_key = _engine("exec", f"{name}-control-plane", "cat", "/etc/kubernetes/pki/ca.key").encode()
    files = {"ca.crt": access.ca, "ca.key": authority_key, "admin.crt": access.certificate, "admin.key": access.key}
    for file, content in files.items():
        (directory.pki / file).touch(mode=0o600)
        (directory.pki / file).write_bytes(content)


def _engine(*arguments: str) -> str:
    return _run(["docker" if shutil.which("docker") else "podman", *arguments])


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FleetError(f"`{' '.join(command)}` failed:\n{done.stderr[-2000:]}")
    return done.stdout


def server_of(directory: ClusterDir) -> str:
    """The address of the API server, read from the kubeconfig of the last `up`; empty before the first."""
    try:
        return str(yaml.safe_load(directory.kubeconfig.read_text())["clusters"][0]["cluster"]["server"])
    except FileNotFoundError:
        return ""
