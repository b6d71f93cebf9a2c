"""The command lines of one cluster's programs; values in, values out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from localfleet.paths import STAGES, ClusterDir
from localfleet.providers import Programs
from localfleet.spec import ClusterSpec
from localfleet.state import Ports

# A loopback address is refused as the endpoint of the `kubernetes` Service; this one is never dialled.
_ADVERTISED = "10.255.255.1"
# These three want a cloud, or would give nodes address ranges that KWOK gives already.
_WITHOUT = ("nodeipam", "node-ipam-controller", "cloud-node-lifecycle-controller")
NODE_ANNOTATION = "kwok.x-k8s.io/node"


@dataclass(frozen=True)
class Plan:
    """All that decides how one cluster runs."""

    spec: ClusterSpec
    directory: ClusterDir
    ports: Ports
    programs: Programs

    @property
    def server(self) -> str:
        return f"https://127.0.0.1:{self.ports['apiserver']}"

    def commands(self) -> dict[str, list[str]]:
        """Program name -> arguments, in the order in which they start."""
        commands = {
            "etcd": self._etcd(),
            "kube-apiserver": self._apiserver(),
            "kube-controller-manager": self._controller_manager(),
        }
        if self.spec.nodes:
            commands |= {"kube-scheduler": self._scheduler(), "kwok": self._kwok()}
        return commands

    def _program(self, name: str, flags: dict[str, object]) -> list[str]:
        return [str(self.programs[name]), *(f"--{flag}={value}" for flag, value in flags.items())]

    def _pki(self, name: str) -> Path:
        return self.directory.pki / name

    def _etcd(self) -> list[str]:
        client, peer = (f"http://127.0.0.1:{self.ports[name]}" for name in ("etcd", "etcd-peer"))
        flags = {
            "data-dir": self.directory.etcd_data,
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"default={peer}",
            "unsafe-no-fsync": "true",
            "log-level": "warn",
        }
        return self._program("etcd", flags)

    def _apiserver(self) -> list[str]:
        flags = {
            "etcd-servers": f"http://127.0.0.1:{self.ports['etcd']}",
            "bind-address": "127.0.0.1",
            "secure-port": self.ports["apiserver"],
            "advertise-address": _ADVERTISED,
            "endpoint-reconciler-type": "none",
            "service-cluster-ip-range": self.spec.service_cidr,
            "authorization-mode": "Node,RBAC",
            "allow-privileged": "true",
            "enable-bootstrap-token-auth": "true",
            "client-ca-file": self._pki("ca.crt"),
            "tls-cert-file": self._pki("server.crt"),
            "tls-private-key-file": self._pki("server.key"),
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": self._pki("service-account.pub"),
            "service-account-signing-key-file": self._pki("service-account.key"),
            "requestheader-client-ca-file": self._pki("front-proxy-ca.crt"),
            "requestheader-allowed-names": "front-proxy",
            "requestheader-username-headers": "X-Remote-User",
            "requestheader-group-headers": "X-Remote-Group",
            "requestheader-extra-headers-prefix": "X-Remote-Extra-",
            "proxy-client-cert-file": self._pki("front-proxy.crt"),
            "proxy-client-key-file": self._pki("front-proxy.key"),
        }
        return [*self._program("kube-apiserver", flags), *self.spec.apiserver_flags]

    def _controller_manager(self) -> list[str]:
        flags = {
            "kubeconfig": self.directory.credentials("kube-controller-manager"),
            "controllers": ",".join(["*", *(f"-{name}" for name in _WITHOUT)]),
            "use-service-account-credentials": "true",
            "leader-elect": "false",
            "secure-port": "0",
            "kube-api-qps": "200",
            "kube-api-burst": "400",
            "service-account-private-key-file": self._pki("service-account.key"),
            "root-ca-file": self._pki("ca.crt"),
            "cluster-signing-cert-file": self._pki("ca.crt"),
            "cluster-signing-key-file": self._pki("ca.key"),
        }
        return self._program("kube-controller-manager", flags)

    def _scheduler(self) -> list[str]:
        credentials = self.directory.credentials("kube-scheduler")
        flags = {"kubeconfig": credentials, "leader-elect": "false", "secure-port": "0"}
        return self._program("kube-scheduler", flags)

    def _kwok(self) -> list[str]:
        flags = {
            "kubeconfig": self.directory.kubeconfig,
            "manage-nodes-with-annotation-selector": f"{NODE_ANNOTATION}=fake",
            "cidr": self.spec.pod_cidr,
            "node-port": "0",
            "node-lease-duration-seconds": "40",
        }
        stages = [f"--config={path}" for path in sorted(STAGES.glob("*.yaml"))]
        return [*self._program("kwok", flags), *stages]
