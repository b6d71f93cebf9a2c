"""The key of digests that cover values of Secrets: in a Secret beside the inventories of a fleet, made where it lacks.

It is asked for only where an inventory has such digests, once per run and cluster. Where Secrets may not be read or
made there, digests are without a key, and the caller is told once.
"""

import asyncio
import base64
import binascii
from collections.abc import Callable

from reconciler.adapters import salt
from reconciler.adapters.kube.client import Client
from reconciler.adapters.kube.resources import Resource
from reconciler.apply.inventory import ensure_namespace
from reconciler.apply.inventoryform import FLEET
from reconciler.apply.ownership import field_manager
from reconciler.model.errors import ApiError
from reconciler.model.objects import Object
from reconciler.registry.names import digest_key

_SECRETS = Resource("v1", "secrets", namespaced=True)
_MEMBER = "key"


class Keys:
    """The keys that one run knows, by cluster."""

    def __init__(self) -> None:
        self._known: dict[str, bytes | None] = {}
        """By address of the server; None where Secrets are forbidden."""
        self._asking = asyncio.Lock()

    async def read(self, client: Client, fleet: str, namespace: str) -> bytes | None:
        """The key of a cluster; None where there is none, or where it may not be read."""
        server = client.connection.server
        if server in self._known:
            return self._known[server]
        try:
            found = _key_of(await client.get(_SECRETS.path(namespace, digest_key(fleet))))
        except ApiError as error:
            if error.status not in (403, 404):
                raise
            return None
        if found is not None:
            self._known[server] = found
        return found

    async def made(self, client: Client, fleet: str, namespace: str, warn: Callable[[str], None]) -> bytes | None:
        """The key of a cluster, made where there is none; None where that is forbidden."""
        async with self._asking:
            found = await self.read(client, fleet, namespace)
            server = client.connection.server
            if found is None and server not in self._known:
                self._known[server] = found = await _made(client, fleet, namespace, warn)
            return found


async def _made(client: Client, fleet: str, namespace: str, warn: Callable[[str], None]) -> bytes | None:
    try:
        return _key_of(await _created(client, fleet, namespace))
    except ApiError as error:
        if error.status not in (403, 409):
            raise
        text = "digests of Secrets stand in its inventories without a key, so that values can be tried against them"
        warn(f"{text}: {error.message}")
        return None


async def _created(client: Client, fleet: str, namespace: str) -> Object:
    name, manager = digest_key(fleet), field_manager(fleet)
    labels = {FLEET: fleet, "app.kubernetes.io/managed-by": "reconciler"}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "data": {_MEMBER: base64.b64encode(salt.fresh()).decode()},
        "immutable": True,
    }
    try:
        return await client.create(_SECRETS.path(namespace), secret, manager)
    except ApiError as error:
        if error.status == 409:  # another run was faster
            return await client.get(_SECRETS.path(namespace, name))
        if error.status != 404:
            raise
    await ensure_namespace(client, namespace, manager)
    return await client.create(_SECRETS.path(namespace), secret, manager)


def _key_of(secret: Object) -> bytes | None:
    """None where somebody put something else there."""
    try:
        return base64.b64decode(secret["data"][_MEMBER], validate=True) or None
    except (KeyError, TypeError, binascii.Error):
        return None
