"""Exec plugins of kubeconfigs (client.authentication.k8s.io): run, believed until they expire, shared by connections.

As client-go does it: one answer serves every connection that asks the same question, until its expirationTimestamp, or
until a server refuses it. Plugins get no terminal: those that cannot do without one are refused, with a way out. What
a plugin prints on stdout is never told; of its stderr the last words are, which are its author's.
"""

import asyncio
import datetime
import shutil
import weakref
from collections.abc import Mapping
from typing import Any

import msgspec

from reconciler.adapters import clock
from reconciler.adapters.kube.authorized import Authorized
from reconciler.adapters.kube.connection import ClientCertificate, ExecPlugin
from reconciler.model.errors import Untrusted

_GROUP = "client.authentication.k8s.io/"
_SECONDS = 60.0
_SAID = 300


class _Status(msgspec.Struct, frozen=True):
    token: str | None = None
    clientCertificateData: str | None = None
    clientKeyData: str | None = None
    expirationTimestamp: datetime.datetime | None = None


class _Known:
    """What plugins have said to the connections of one event loop."""

    def __init__(self) -> None:
        self.said: dict[bytes, tuple[Authorized, float]] = {}
        self.asking: dict[bytes, asyncio.Lock] = {}


_known: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Known] = weakref.WeakKeyDictionary()


async def ask(plugin: ExecPlugin, refused: Authorized | None = None) -> Authorized:
    """What the plugin gives, asked anew when that expired or is what a server refused. Untrusted when it is nothing."""
    loop = asyncio.get_running_loop()
    known = _known.setdefault(loop, _Known())
    question = msgspec.json.encode([plugin.spec, plugin.cluster])
    async with known.asking.setdefault(question, asyncio.Lock()):
        said, until = known.said.get(question, (None, 0.0))
        if said is None or loop.time() >= until or (refused is not None and said.same_as(refused)):
            said = await _run(plugin)
            until = loop.time() + said.lifetime
            known.said[question] = (said, until)
    return msgspec.structs.replace(said, lifetime=until - loop.time())


async def _run(plugin: ExecPlugin) -> Authorized:
    spec = plugin.spec
    command, hint = str(spec.get("command") or ""), str(spec.get("installHint") or "")
    version = str(spec.get("apiVersion") or "")
    if not command or not version.startswith(_GROUP):
        what = f"the kubeconfig names the plugin {command or '(none)'} with the apiVersion {version or '(none)'}"
        raise Untrusted("no-credential", what, f"apiVersion: {_GROUP}v1")
    if spec.get("interactiveMode") == "Always":
        what = f"the plugin {command} wants a terminal (interactiveMode: Always), which it does not get here"
        raise Untrusted("no-credential", what, "use a plugin that remembers a login, and log in first")
    environment = {**plugin.environment, **{one["name"]: str(one.get("value", "")) for one in spec.get("env") or ()}}
    found = shutil.which(command, path=environment.get("PATH", ""))
    if found is None:
        raise Untrusted("no-credential", f"the plugin {command} cannot be found, or not be run", hint)
    return _read(await _answer({**spec, "command": found}, _Told(environment, _info(plugin)), command, hint), command)


class _Told(dict[str, str]):
    """The environment of a plugin. What the provider writes into it about the question is completed."""

    def __init__(self, environment: Mapping[str, str], more: Mapping[str, Any]) -> None:
        super().__init__(environment)
        self._more = more

    def __setitem__(self, name: str, value: str) -> None:
        if name == "KUBERNETES_EXEC_INFO":
            question = msgspec.json.decode(value)
            value = msgspec.json.encode({**question, "spec": self._more}).decode()
        super().__setitem__(name, value)


async def _answer(spec: Mapping[str, Any], told: _Told, command: str, hint: str) -> Any:
    """The status that a plugin answers. Imported only here, because the import costs more than a run without it."""
    from kubernetes.aio.config.config_exception import ConfigException
    from kubernetes.aio.config.exec_provider import ExecProvider
    from kubernetes.aio.config.kube_config import ConfigNode

    node: Any = ConfigNode
    provider: Any = ExecProvider
    try:
        run = provider(node("exec", spec))
        run.env = told
        async with asyncio.timeout(_SECONDS):
            return await run.run()
    except TimeoutError as error:
        what = f"the plugin {command} gave no credential within {_SECONDS:g} s"
        raise Untrusted("no-credential", what, hint) from error
    except OSError as error:
        raise Untrusted("no-credential", f"the plugin {command} cannot be run: {error.strerror}", hint) from error
    except ConfigException as error:
        what = f"the plugin {command} gave no credential: {str(error)[-_SAID:]}"
        raise Untrusted("no-credential", what, hint) from None


def _info(plugin: ExecPlugin) -> dict[str, Any]:
    told: dict[str, Any] = {"interactive": False}
    if plugin.spec.get("provideClusterInfo") and plugin.cluster is not None:
        told["cluster"] = plugin.cluster
    return told


def _read(answer: Any, command: str) -> Authorized:
    try:
        status = msgspec.convert(answer, _Status)
    except msgspec.ValidationError:
        raise Untrusted("no-credential", f"the plugin {command} answered with no ExecCredentialStatus") from None
    certificate, key = status.clientCertificateData, status.clientKeyData
    if bool(certificate) != bool(key) or not (status.token or certificate):
        raise Untrusted("no-credential", f"the plugin {command} gave neither a token nor a certificate with its key")
    return Authorized(
        f"Bearer {status.token}" if status.token else "",
        ClientCertificate(certificate.encode(), key.encode()) if certificate and key else None,
        _lifetime(status.expirationTimestamp),
        renewable=True,
    )


def _lifetime(expires: datetime.datetime | None) -> float:
    """Seconds to its end; at least one, so that a plugin with a slow clock is not run for every request."""
    if expires is None:
        return float("inf")
    aware = expires if expires.tzinfo else expires.replace(tzinfo=datetime.UTC)
    return max(1.0, (aware - clock.now()).total_seconds())


def cluster_info(cluster: Mapping[str, Any], authorities: str) -> dict[str, Any]:
    """What a plugin with `provideClusterInfo` is told of its cluster; `authorities` is base64, empty for none."""
    told = {name: cluster[name] for name in ("server", "tls-server-name", "proxy-url") if cluster.get(name)}
    if authorities:
        told["certificate-authority-data"] = authorities
    for extension in cluster.get("extensions") or ():
        if extension.get("name") == "client.authentication.k8s.io/exec":
            told["config"] = extension.get("extension")
    return told
