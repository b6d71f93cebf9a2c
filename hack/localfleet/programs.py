"""The programs a fleet is made of, and how each is built from the pinned Go modules in hack/build."""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from localfleet.paths import BUILD_MODULES, binaries_root

_GO_ARCH = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Program:
    """One executable; `family` is its module below hack/build, `module` the one whose version is its version."""

    name: str
    family: str
    module: str
    package: str
    minutes: float

    @property
    def pinned(self) -> str:
        """The version that the family's go.mod requires."""
        return required_version(BUILD_MODULES / self.family / "go.mod", self.module)

    def cached(self, version: str) -> Path:
        """Where the program of this version for this machine lies once it is built."""
        os_name, machine = platform.system().lower(), platform.machine()
        directory = f"{self.name}-{version}-{os_name}-{_GO_ARCH.get(machine, machine)}"
        return binaries_root() / directory / self.name

    def ldflags(self, version: str) -> str:
        """Linker flags; Kubernetes reports v0.0.0 unless it is told its version here."""
        if self.family != "kubernetes":
            return "-s -w"
        major, minor = version.removeprefix("v").split(".")[:2]
        values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
        return " ".join(["-s -w", *(f"-X k8s.io/component-base/version.{k}={v}" for k, v in values.items())])


@cache
def required_version(go_mod: Path, module: str) -> str:
    """The version of `module` that a go.mod file requires."""
    found = re.search(rf"^(?:require )?\s*{re.escape(module)} (v\S+)", go_mod.read_text(), re.MULTILINE)
    if found is None:
        raise LookupError(f"{go_mod} does not require {module}")
    return found[1]


def _kubernetes(name: str, minutes: float) -> Program:
    return Program(name, "kubernetes", "k8s.io/kubernetes", f"k8s.io/kubernetes/cmd/{name}", minutes)


_DISTRIBUTION = "github.com/distribution/distribution/v3"
_ETCD = "go.etcd.io/etcd/server/v3"

# In the order in which a fleet needs them; the minutes are of a cold build on two cores.
PROGRAMS = {
    program.name: program
    for program in (
        Program("etcd", "etcd", _ETCD, _ETCD, 1),
        _kubernetes("kube-apiserver", 4.5),
        _kubernetes("kube-controller-manager", 1),
        _kubernetes("kubectl", 0.5),
        _kubernetes("kube-scheduler", 0.2),
        Program("kwok", "kwok", "sigs.k8s.io/kwok", "sigs.k8s.io/kwok/cmd/kwok", 1.5),
        Program("helm", "helm", "helm.sh/helm/v4", "helm.sh/helm/v4/cmd/helm", 2),
        Program("age", "age", "filippo.io/age", "filippo.io/age/cmd/age", 0.1),
        Program("age-keygen", "age", "filippo.io/age", "filippo.io/age/cmd/age-keygen", 0.1),
        Program("sops", "sops", "github.com/getsops/sops/v3", "github.com/getsops/sops/v3/cmd/sops", 3),
        Program("registry", "registry", _DISTRIBUTION, f"{_DISTRIBUTION}/cmd/registry", 1),
    )
}

CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
NODE_PROGRAMS = ("kube-scheduler", "kwok")
