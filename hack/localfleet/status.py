"""What a fleet is at this moment, as plain data."""

from __future__ import annotations

from typing import Any

from localfleet import clusters, kind
from localfleet.api import Api
from localfleet.fleet import existing
from localfleet.paths import ClusterDir, FleetDir
from localfleet.providers import Provider
from localfleet.spec import ClusterSpec
from localfleet.state import FleetState


def of(name: str) -> dict[str, Any]:
    """The fleet with its clusters: where they are reached, with which files, and whether they are ready."""
    fleet = existing(name)
    directory = FleetDir.of(name)
    return {
        "name": name,
        "provider": str(fleet.provider),
        "kubeconfig": str(fleet.kubeconfig),
        "clusters": [_cluster(fleet, cluster, directory.cluster(cluster.name)) for cluster in fleet.spec.clusters],
    }


def _cluster(fleet: FleetState, spec: ClusterSpec, files: ClusterDir) -> dict[str, Any]:
    server = _server(fleet, spec)
    return {
        "name": spec.name,
        "context": fleet.spec.context_of(spec.name),
        "state": _state(fleet, spec, files, server),
        "server": server,
        "nodes": spec.nodes,
        "kubeconfig": str(files.kubeconfig),
        "pki": str(files.pki),
        "serviceCIDR": spec.service_cidr,
        "podCIDR": spec.pod_cidr,
    }


def _server(fleet: FleetState, spec: ClusterSpec) -> str:
    if fleet.provider is Provider.KIND:
        return kind.server_of(FleetDir.of(fleet.spec.name).cluster(spec.name))
    return f"https://127.0.0.1:{fleet.ports[spec.name]['apiserver']}"


def _state(fleet: FleetState, spec: ClusterSpec, files: ClusterDir, server: str) -> str:
    """ready, degraded (with what does not run) or stopped."""
    if fleet.provider is Provider.KIND:
        return "ready" if kind.is_running(fleet.spec.name, spec.name) else "stopped"
    wanted = ["etcd", "kube-apiserver", "kube-controller-manager", *(["kube-scheduler", "kwok"] if spec.nodes else [])]
    pids = clusters.running(files, wanted)
    if not any(pids.values()):
        return "stopped"
    missing = [program for program, pid in pids.items() if pid is None]
    if missing:
        return f"degraded: no {', '.join(missing)}"
    return "ready" if Api(server, files.pki).is_ready() else "degraded: the API server is not ready"
