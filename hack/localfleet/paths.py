"""Where a fleet keeps its state, and where binaries are remembered. The only reader of the XDG variables."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
BUILD_MODULES = REPO / "hack" / "build"
STAGES = Path(__file__).resolve().parent / "stages"
CRDS = REPO / "deploy" / "crds"


def fleets_root() -> Path:
    """The directory with one directory per fleet of this user."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "reconciler" / "fleets"


def binaries_root() -> Path:
    """The cache of built programs; may be deleted at any time."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "reconciler" / "bin"


def default_kubeconfig() -> Path:
    """Where Clusternet's own local script writes its contexts, too."""
    return Path.home() / ".kube" / "clusternet.config"


@dataclass(frozen=True)
class ClusterDir:
    """The files of one cluster of a fleet."""

    root: Path

    @property
    def pki(self) -> Path:
        return self.root / "pki"

    @property
    def kubeconfig(self) -> Path:
        """Credentials of the administrator, with the cluster's own context only."""
        return self.root / "kubeconfig"

    @property
    def etcd_data(self) -> Path:
        return self.root / "etcd"

    def record(self, program: str) -> Path:
        """Who runs `program` for this cluster: see `processes`."""
        return self.root / "run" / f"{program}.pid"

    def argv(self, program: str) -> Path:
        return self.root / "run" / f"{program}.argv"

    def log(self, program: str) -> Path:
        return self.root / "log" / f"{program}.log"

    def credentials(self, user: str) -> Path:
        """The kubeconfig of one of the control plane's own programs."""
        return self.root / "kubeconfigs" / user


@dataclass(frozen=True)
class FleetDir:
    """The files of one fleet."""

    root: Path

    @classmethod
    def of(cls, fleet: str) -> FleetDir:
        return cls(fleets_root() / fleet)

    @property
    def state(self) -> Path:
        return self.root / "fleet.json"

    @property
    def lock(self) -> Path:
        return self.root.parent / f".{self.root.name}.lock"

    def cluster(self, name: str) -> ClusterDir:
        return ClusterDir(self.root / name)
