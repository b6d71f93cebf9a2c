"""The TLS settings of a connection; where the system can, private keys reach OpenSSL without a file on a disk."""

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.adapters.kube.connection import ClientCertificate, Connection
from reconciler.model.errors import Untrusted


def context_of(connection: Connection, certificate: ClientCertificate | None = None) -> ssl.SSLContext:
    """TLS 1.2 or newer; the certificate from a plugin comes before that of the connection."""
    tls = connection.tls
    try:
        context = ssl.create_default_context(cadata=tls.authorities.decode() if tls.authorities else None)
    except (ssl.SSLError, ValueError) as error:
        raise Untrusted("bad-authority", f"{connection}: the certificate authority cannot be read: {error}") from error
    mine = certificate or tls.certificate
    if mine:
        _load(context, mine, str(connection))
    return context


def _load(context: ssl.SSLContext, mine: ClientCertificate, name: str) -> None:
    with _as_file(mine.certificate + b"\n" + mine.key) as path:
        try:
            context.load_cert_chain(path, password=_no_password)
        except (ssl.SSLError, ValueError) as error:
            reason = getattr(error, "reason", "") or "no certificate and key that fit"
            message = f"{name}: the client certificate cannot be used: {reason}"
            raise Untrusted("bad-client-certificate", message) from error


def _no_password() -> str:
    raise ValueError("the key is encrypted")


@contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """A path for `load_cert_chain`, which reads files only: in memory where the system has such, else a private one."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("client-certificate")
        try:
            os.write(descriptor, content)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    with tempfile.TemporaryDirectory() as private:
        path = Path(private) / "client.pem"
        path.touch(mode=0o600)
        path.write_bytes(content)
        yield str(path)
