"""How an API server is reached, as a value: address, headers, TLS and a credential that can be refreshed.

A child's own API server, a hub's proxy into it and impersonation are all this type. Values that hold secrets say so in
their text form instead of showing them.
"""

from collections.abc import Mapping
from typing import Any

import msgspec


class _Hidden(msgspec.Struct, frozen=True):
    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    __str__ = __repr__


class Token(_Hidden, frozen=True):
    """A bearer token that nobody can refresh."""

    value: str


class TokenFile(msgspec.Struct, frozen=True):
    """A bearer token in a file that somebody else renews; read again after a minute, and when it is refused."""

    path: str


class Basic(_Hidden, frozen=True):
    """User name and password."""

    username: str
    password: str


class ExecPlugin(_Hidden, frozen=True):
    """A program that prints an ExecCredential (kubeconfig `users[].user.exec`)."""

    spec: Mapping[str, Any]
    environment: Mapping[str, str] = {}
    """What it sees of the environment, beside what `spec` adds."""
    cluster: Mapping[str, Any] | None = None
    """What it is told of the cluster when it asks for that (`provideClusterInfo`)."""


class AuthProvider(_Hidden, frozen=True):
    """`users[].user.auth-provider` of a kubeconfig (OIDC): a token that another program has left there and renews."""

    spec: Mapping[str, Any]


Credential = Token | TokenFile | Basic | ExecPlugin | AuthProvider


class ClientCertificate(_Hidden, frozen=True):
    """Certificate chain and private key, PEM."""

    certificate: bytes
    key: bytes


class Tls(msgspec.Struct, frozen=True):
    """Whom we trust, and who we are. There is no way to trust everybody."""

    authorities: bytes | None = None
    """PEM of the certificate authorities; None for those of the system."""
    server_name: str = ""
    """The name that the server's certificate must have, when it is not the host of the address."""
    certificate: ClientCertificate | None = None


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """An API server and how to get in. `client.connect` opens it."""

    server: str
    """Base URL, with a path where a proxy is in between, without a slash at the end."""
    name: str = ""
    """What messages call it; the server's address when empty."""
    headers: tuple[tuple[str, str], ...] = ()
    """Sent with every request; impersonation repeats `Impersonate-Group`."""
    tls: Tls = Tls()
    credential: Credential | None = None
    proxy: str = ""
    """URL of an HTTP proxy."""
    in_flight: int = 12
    """Requests at once; beyond it an API server only queues them."""
    warnings: tuple[str, ...] = ()
    """What the user should know before trusting this connection."""

    def __str__(self) -> str:
        return self.name or self.server
