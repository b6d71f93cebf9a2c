"""From a credential to what is sent: the Authorization header and perhaps a client certificate.

Tokens, files and passwords are handled here, plugins by `plugins`.
"""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.adapters.kube import plugins
from reconciler.adapters.kube.authorized import Authorized
from reconciler.adapters.kube.connection import (
    AuthProvider,
    Basic,
    Credential,
    ExecPlugin,
    Token,
    TokenFile,
)
from reconciler.model.errors import Untrusted

_FILE_LIFETIME = 60.0
"""Seconds for which a token file is believed; client-go reads it again after a minute, too."""


async def authorize(credential: Credential | None, refused: Authorized | None = None) -> Authorized:
    """Ask the credential for what it gives now; Untrusted when it gives nothing. `refused` is of no use any more."""
    match credential:
        case None:
            return Authorized()
        case Token(value):
            return Authorized(f"Bearer {value}")
        case Basic(username, password):
            both = base64.b64encode(f"{username}:{password}".encode()).decode()
            return Authorized(f"Basic {both}")
        case TokenFile(path):
            return Authorized(f"Bearer {_read(path)}", lifetime=_FILE_LIFETIME, renewable=True)
        case ExecPlugin():
            return await plugins.ask(credential, refused)
        case AuthProvider(spec):
            return _provided(spec)


def _read(path: str) -> str:
    try:
        token = Path(path).read_text().strip()
    except OSError as error:
        raise Untrusted("no-credential", f"the token file {path} cannot be read: {error.strerror}") from error
    if not token:
        raise Untrusted("no-credential", f"the token file {path} is empty")
    return token


def _provided(spec: Mapping[str, Any]) -> Authorized:
    """The token that the provider left in the kubeconfig. It is not renewed here.

    A renewal may replace the refresh token, which then had to be written back into the user's kubeconfig; and the
    `kubernetes` package renews without verifying the issuer's certificate.
    """
    config = spec.get("config") or {}
    token = config.get("id-token") if spec.get("name") == "oidc" else config.get("access-token")
    if not token:
        message = f"the auth provider {spec.get('name')} has left no token in the kubeconfig"
        raise Untrusted("no-credential", message, "run `kubectl get namespaces` once, or use an exec plugin")
    return Authorized(f"Bearer {token}")
