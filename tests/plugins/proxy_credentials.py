"""TLS of the fault proxy: its certificate, signed by the cluster's authority, and a kubeconfig that leads to it."""

from __future__ import annotations

import ssl
from pathlib import Path

from localfleet import kubeconfigs
from localfleet.certificates import Authority, Leaf

from tests.plugins.fleet import Cluster


def server_tls(cluster: Cluster, directory: Path) -> ssl.SSLContext:
    """TLS for the proxy's own listener, trusted by everybody who trusts the cluster's authority."""
    authority = Authority.load(cluster.ca_file, cluster.ca_key)
    certificate, key = authority.sign(Leaf("fault-proxy", hosts=("localhost", "127.0.0.1")))
    (directory / "server.crt").write_bytes(certificate)
    (directory / "server.key").write_bytes(key)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(directory / "server.crt", directory / "server.key")
    return tls


def client_tls(cluster: Cluster, *, administrator: bool) -> ssl.SSLContext:
    """TLS towards the API server, with the administrator's certificate or with none."""
    tls = ssl.create_default_context(cafile=str(cluster.ca_file))
    if administrator:
        tls.load_cert_chain(cluster.admin_cert, cluster.admin_key)
    return tls


def write_kubeconfig(cluster: Cluster, server: str, path: Path) -> None:
    """The administrator's kubeconfig of the cluster, with the proxy as the server."""
    ca, certificate, key = (file.read_bytes() for file in (cluster.ca_file, cluster.admin_cert, cluster.admin_key))
    kubeconfigs.write(path, kubeconfigs.Access(cluster.context, cluster.name, server, ca, certificate, key))
