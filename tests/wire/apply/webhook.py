"""An admission webhook of a test: an HTTPS server with an authority of its own, for one namespace only."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.plugins.fleet import Cluster

Answer = Callable[[dict[str, Any]], dict[str, Any]]
"""From an object to the members of the review's response beside its uid."""
_GROUP = "/apis/admissionregistration.k8s.io/v1"


def denied(message: str) -> dict[str, Any]:
    return {"allowed": False, "status": {"message": message, "code": 403}}


def patched(*operations: dict[str, Any]) -> dict[str, Any]:
    patch = base64.b64encode(json.dumps(operations).encode()).decode()
    return {"allowed": True, "patchType": "JSONPatch", "patch": patch}


@contextmanager
def admission(cluster: Cluster, namespace: str, directory: Path, kind: str, answer: Answer) -> Iterator[None]:
    """`kind` is `Mutating` or `Validating`; asked about ConfigMaps of the namespace, active when the block begins."""
    authority = _certificate(directory / "server.pem")
    with _serving(directory / "server.pem", answer) as port:
        name = f"{kind.lower()}.{namespace}.example.io"
        path = f"{_GROUP}/{kind.lower()}webhookconfigurations/{name}"
        cluster.api.apply(path, _configuration(kind, name, namespace, f"https://127.0.0.1:{port}/", authority))
        try:
            _until_active(cluster, namespace)
            yield
        finally:
            cluster.api.delete(path)


def _until_active(cluster: Cluster, namespace: str) -> None:
    """The server takes up a new configuration a moment later; a probe of ours is refused, or marked, from then on."""
    probe = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe", "namespace": namespace}}
    path = f"/api/v1/namespaces/{namespace}/configmaps?dryRun=All"
    for _ in range(300):
        status, made = cluster.api.request("POST", path, probe)
        if status >= 400 or "data" in made:
            return
        threading.Event().wait(0.1)
    raise AssertionError("the webhook was never asked")


@contextmanager
def _serving(certificate: Path, answer: Answer) -> Iterator[int]:
    class Reviews(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
            response = {"uid": asked["uid"], **answer(asked["object"])}
            review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
            content = json.dumps(review).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Reviews)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _configuration(kind: str, name: str, namespace: str, url: str, authority: bytes) -> dict[str, Any]:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"]}
    webhook = {
        "name": name,
        "clientConfig": {"url": url, "caBundle": base64.b64encode(authority).decode()},
        "rules": [rule],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "objectSelector": {"matchExpressions": [{"key": "reconciler.clusternet.io/fleet", "operator": "DoesNotExist"}]},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    version = "admissionregistration.k8s.io/v1"
    named = {"apiVersion": version, "kind": f"{kind}WebhookConfiguration", "metadata": {"name": name}}
    return {**named, "webhooks": [webhook]}


def _certificate(path: Path) -> bytes:
    """A certificate that is its own authority, with its key, in one file; the certificate as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "webhook of a test")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + pem)
    return pem
