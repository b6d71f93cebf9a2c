"""From a credential to what is sent: the Authorization header and perhaps a client certificate.

Tokens, files and passwords are handled here. Exec plugins go through the `kubernetes` package, imported only then: its
import costs more than a whole run without it.
"""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from reconciler.adapters.kube.connection import (
    AuthProvider,
    Basic,
    ClientCertificate,
    Credential,
    ExecPlugin,
    Token,
    TokenFile,
)
from reconciler.model.errors import Untrusted

_FILE_LIFETIME = 60.0
"""Seconds for which a token file is believed; client-go reads it again after a minute, too."""
_PLUGIN_LIFETIME = 600.0
"""Seconds until a plugin is asked again; the server's 401 asks earlier."""


class Authorized(msgspec.Struct, frozen=True):
    """What a credential gives at this moment."""

    header: str = ""
    certificate: ClientCertificate | None = None
    lifetime: float = float("inf")
    """Seconds until it should be asked for again."""
    renewable: bool = False
    """Asking again may give another answer, so that a 401 is worth a second try."""

    def __repr__(self) -> str:
        return "Authorized(…)"


async def authorize(credential: Credential | None) -> Authorized:
    """Ask the credential for what it gives now; Untrusted when it gives nothing."""
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
        case ExecPlugin(spec):
            return await _run_plugin(dict(spec))
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


async def _run_plugin(spec: dict[str, Any]) -> Authorized:
    from kubernetes.aio.config.config_exception import ConfigException
    from kubernetes.aio.config.exec_provider import ExecProvider
    from kubernetes.aio.config.kube_config import ConfigNode

    provider: Any = ExecProvider
    node: Any = ConfigNode
    command, hint = spec.get("command"), str(spec.get("installHint") or "")
    try:
        status = await provider(node("exec", spec)).run()
    except OSError as error:
        raise Untrusted("no-credential", f"the plugin {command} cannot be run: {error.strerror}", hint) from error
    except ConfigException as error:
        raise Untrusted("no-credential", f"the plugin {command} gave no credential: {_cut(error)}", hint) from error
    token, certificate, key = (status.get(k) for k in ("token", "clientCertificateData", "clientKeyData"))
    if not token and not (certificate and key):
        raise Untrusted("no-credential", f"the plugin {command} gave neither a token nor a certificate", hint)
    return Authorized(
        f"Bearer {token}" if token else "",
        ClientCertificate(certificate.encode(), key.encode()) if certificate and key else None,
        _PLUGIN_LIFETIME,
        renewable=True,
    )


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


def _cut(error: Exception) -> str:
    return str(error)[:200]
