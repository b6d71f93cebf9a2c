"""What is remembered of a fleet between two commands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from localfleet.paths import FleetDir
from localfleet.providers import Provider
from localfleet.spec import ClusterSpec, FleetSpec

Ports = Mapping[str, int]
PORT_NAMES = ("apiserver", "etcd", "etcd-peer")


@dataclass(frozen=True)
class FleetState:
    """A fleet as it was last brought up; `ports` by cluster."""

    spec: FleetSpec
    provider: Provider
    kubeconfig: Path
    ports: Mapping[str, Ports]

    def save(self, directory: FleetDir) -> None:
        """Write it down, whole or not at all."""
        directory.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        clusters = [{**asdict(c), "ports": self.ports.get(c.name, {})} for c in self.spec.clusters]
        content = {
            "name": self.spec.name,
            "provider": self.provider,
            "kubeconfig": str(self.kubeconfig),
            "versions": dict(self.spec.versions),
            "clusters": clusters,
        }
        draft = directory.state.with_suffix(".new")
        draft.write_text(json.dumps(content, indent=1))
        draft.replace(directory.state)


def load(directory: FleetDir) -> FleetState | None:
    """The remembered fleet; None if there is none."""
    try:
        content = json.loads(directory.state.read_text())
    except FileNotFoundError:
        return None
    ports = {entry["name"]: entry.pop("ports") for entry in content["clusters"]}
    clusters = tuple(
        ClusterSpec(**{**entry, "apiserver_flags": tuple(entry["apiserver_flags"])}) for entry in content["clusters"]
    )
    spec = FleetSpec(content["name"], clusters, content["versions"])
    return FleetState(spec, Provider(content["provider"]), Path(content["kubeconfig"]), ports)
