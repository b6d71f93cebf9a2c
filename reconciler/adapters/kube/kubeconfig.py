"""From `fleet.yaml`'s words (a context, a variable, in-cluster) to a Connection, by kubectl's rules for kubeconfigs.

Several files merge as in kubectl, relative paths start at the file that says them, data goes before files. The
environment and the home directory are arguments. Read here and not by the `kubernetes` package, whose import costs more
than a run and which verifies less.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from reconciler.adapters.kube.connection import (
    AuthProvider,
    Basic,
    ClientCertificate,
    Connection,
    Credential,
    ExecPlugin,
    Tls,
    Token,
    TokenFile,
)
from reconciler.adapters.kube.kubeconfigfile import Config, load, load_text
from reconciler.adapters.kube.noproxy import bypasses
from reconciler.adapters.kube.plugins import cluster_info
from reconciler.model.errors import Untrusted, UsageError
from reconciler.model.settings import Access

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_VERIFY = (
    "remove it, and trust the cluster's own authority: `kubectl config set-cluster NAME --certificate-authority=FILE "
    "--embed-certs`; where its certificate has another name, add `--tls-server-name`"
)


def resolve(access: Access, environment: Mapping[str, str], home: Path) -> Connection:
    """The connection that an Access names; UsageError with what to set when it cannot be used."""
    if access.in_cluster:
        return in_cluster(environment)
    if access.kubeconfig_env:
        config = _from_variable(access.kubeconfig_env, environment)
    else:
        config = load(paths(environment, home))
    return _in(environment, connection_of(config, access.context or ""))


def paths(environment: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """The kubeconfig files that kubectl would read: those of `KUBECONFIG`, otherwise `~/.kube/config`."""
    given = [part for part in environment.get("KUBECONFIG", "").split(":") if part]
    return tuple(Path(part) for part in given) or (home / ".kube" / "config",)


def contexts(config: Config) -> tuple[str, ...]:
    """Names of all contexts, sorted."""
    return tuple(sorted(config.contexts))


def in_cluster(environment: Mapping[str, str], directory: Path = _SERVICE_ACCOUNT) -> Connection:
    """The service account of the pod that we run in; its token is renewed by the kubelet."""
    host, port = environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT")
    if not host or not port:
        raise UsageError("not-in-cluster", "inCluster is set, but this is no pod: KUBERNETES_SERVICE_HOST is not set")
    shown = f"[{host}]" if ":" in host else host
    authorities = _read(directory / "ca.crt", "the cluster's certificate authority")
    credential = TokenFile(str(directory / "token"))
    return Connection(server=f"https://{shown}:{port}", tls=Tls(authorities=authorities), credential=credential)


def connection_of(config: Config, context: str = "") -> Connection:
    """The connection of one context, of the current one when it is empty."""
    name = context or config.current
    if name not in config.contexts:
        what = f"the kubeconfig has no context {name!r}" if name else "the kubeconfig has no current context"
        known = ", ".join(contexts(config)) or "none"
        raise UsageError("no-such-context", what, f"contexts in {config.source}: {known}")
    chosen = config.contexts[name]
    cluster, user = _part(config.clusters, chosen, "cluster", name), _part(config.users, chosen, "user", name)
    server = str(cluster.get("server") or "").rstrip("/")
    tls = _tls(cluster, user, name)
    credential = _credential(user, cluster, tls)
    _check_server(server, name, secret=bool(credential or tls.certificate))
    return Connection(
        server=server,
        name=name,
        headers=tuple(_impersonation(user)),
        tls=tls,
        credential=credential,
        proxy=_proxy(cluster, name),
    )


def _from_variable(variable: str, environment: Mapping[str, str]) -> Config:
    value = environment.get(variable, "")
    if not value.strip():
        raise UsageError("no-kubeconfig", f"the environment variable {variable} is not set, or empty")
    if "\n" in value.strip() or value.lstrip().startswith("{"):
        return load_text(value, f"${variable}")
    return load((Path(value.strip()),))


def _part(section: Mapping[str, Mapping[str, Any]], chosen: Mapping[str, Any], role: str, context: str) -> Any:
    name = chosen.get(role) or ""
    if name in section:
        return section[name]
    if role == "user" and not name:
        return {}
    raise UsageError("bad-kubeconfig", f"context {context!r} names the {role} {name!r}, which the kubeconfig lacks")


def _check_server(server: str, context: str, *, secret: bool) -> None:
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("bad-kubeconfig", f"context {context!r}: {server!r} is not the URL of an API server")
    if parts.scheme == "http" and (secret or parts.hostname not in _LOOPBACK):
        raise UsageError(
            "not-encrypted", f"context {context!r}: {server} is not encrypted, and would carry credentials"
        )


def _tls(cluster: Mapping[str, Any], user: Mapping[str, Any], name: str) -> Tls:
    if cluster.get("insecure-skip-tls-verify"):
        what = f"context {name!r} says insecure-skip-tls-verify: whoever answers there would get our credentials"
        raise Untrusted("not-verified", what, _VERIFY)
    authorities = _data(cluster, "certificate-authority", name)
    certificate, key = _data(user, "client-certificate", name), _data(user, "client-key", name)
    if bool(certificate) != bool(key):
        raise UsageError("bad-kubeconfig", f"context {name!r}: a client certificate and its key belong together")
    mine = ClientCertificate(certificate, key) if certificate and key else None
    return Tls(authorities=authorities, server_name=cluster.get("tls-server-name") or "", certificate=mine)


def _credential(user: Mapping[str, Any], cluster: Mapping[str, Any], tls: Tls) -> Credential | None:
    """As client-go: a token's file goes before the token, a plugin is asked when there is neither."""
    if user.get("tokenFile"):
        return TokenFile(user["tokenFile"])
    if user.get("token"):
        return Token(user["token"])
    if user.get("username"):
        return Basic(user["username"], user.get("password") or "")
    if user.get("exec"):
        authorities = base64.b64encode(tls.authorities or b"").decode()
        return ExecPlugin(user["exec"], cluster=cluster_info(cluster, authorities))
    if user.get("auth-provider"):
        return AuthProvider(user["auth-provider"])
    return None


def _impersonation(user: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if user.get("as"):
        yield "Impersonate-User", user["as"]
    if user.get("as-uid"):
        yield "Impersonate-Uid", user["as-uid"]
    for group in user.get("as-groups") or ():
        yield "Impersonate-Group", group
    for extra, values in (user.get("as-user-extra") or {}).items():
        for value in values:
            yield f"Impersonate-Extra-{extra}", value


def _proxy(cluster: Mapping[str, Any], context: str) -> str:
    proxy: str = cluster.get("proxy-url") or ""
    if proxy and urlsplit(proxy).scheme not in ("http", "https"):
        raise UsageError(
            "bad-kubeconfig", f"context {context!r}: proxies of kind {proxy.split(':')[0]!r} are not supported"
        )
    return proxy


def _in(environment: Mapping[str, str], connection: Connection) -> Connection:
    """The connection as the environment makes it: a plugin sees it, and it may name a proxy."""
    if isinstance(connection.credential, ExecPlugin):
        plugin = msgspec.structs.replace(connection.credential, environment=environment)
        connection = msgspec.structs.replace(connection, credential=plugin)
    return _through_proxy(connection, environment)


def _through_proxy(connection: Connection, environment: Mapping[str, str]) -> Connection:
    """As every Go program: `HTTPS_PROXY` for other machines, unless `NO_PROXY` names them or the kubeconfig a proxy."""
    proxy = environment.get("HTTPS_PROXY") or environment.get("https_proxy") or ""
    host = urlsplit(connection.server).hostname or ""
    if not proxy or connection.proxy or not connection.server.startswith("https:"):
        return connection
    without = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    if bypasses(host, urlsplit(connection.server).port or 443, without):
        return connection
    return msgspec.structs.replace(connection, proxy=proxy if "://" in proxy else f"http://{proxy}")


def _data(section: Mapping[str, Any], name: str, context: str) -> bytes | None:
    """`name-data` as bytes, otherwise the content of the file `name`, otherwise nothing."""
    if data := section.get(f"{name}-data"):
        try:
            return base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise UsageError("bad-kubeconfig", f"context {context!r}: {name}-data is not base64") from error
    return _read(Path(section[name]), f"context {context!r}: {name}") if section.get(name) else None


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError("bad-kubeconfig", f"{what}: {path} cannot be read: {error.strerror}") from error
