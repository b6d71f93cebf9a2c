"""Hooks of deletes that outlive their chart in the repo: a Secret beside the inventory, for units that have such hooks.

A Secret, because a hook may hold what the values of its chart hold. It is read only when a chart leaves its unit.
"""

import base64
from collections.abc import Iterable

import msgspec

from reconciler.adapters.kube.client import Client
from reconciler.adapters.kube.resources import Resource
from reconciler.apply.inventoryform import CLUSTER, FLEET, SUBSCRIPTION, name_of
from reconciler.apply.ownership import field_manager
from reconciler.model.errors import ApiError, ReconcilerError
from reconciler.model.feed import RenderedObject
from reconciler.model.inflation import Role
from reconciler.model.inventory import Inventory
from reconciler.model.objects import Object, canonical, digest_of, key_of
from reconciler.planning.hooks import Hook, hooks_of

_SECRETS = Resource("v1", "secrets", namespaced=True)
_KEY = "hooks"


class _Kept(msgspec.Struct, frozen=True):
    chart: str
    object: Object


_decode = msgspec.json.Decoder(tuple[_Kept, ...]).decode


async def read(cluster: Client, namespace: str, inventory: Inventory) -> tuple[Hook, ...]:
    """The hooks that were kept for a unit; none when there is no such Secret."""
    path = _SECRETS.path(namespace, _name(inventory))
    try:
        found = await cluster.get(path)
    except ApiError as error:
        if error.status == 404:
            return ()
        raise
    try:
        kept = _decode(base64.b64decode(found["data"][_KEY]))
        objects = [
            RenderedObject(key_of(o), o["apiVersion"], o, digest_of(o), Role.HOOK, chart=one.chart)
            for one in kept
            for o in [one.object]
        ]
    except (KeyError, TypeError, ValueError, msgspec.MsgspecError) as error:
        hint = "delete it to go on without the hooks of deletes that it holds"
        what = f"Secret {namespace}/{_name(inventory)} holds no hooks ({hint})"
        raise ReconcilerError("bad-hooks", what, hint) from error
    return hooks_of(objects)


async def write(cluster: Client, namespace: str, inventory: Inventory, hooks: Iterable[Hook]) -> None:
    """Keep exactly these hooks; the Secret goes with the last one."""
    kept = [_Kept(hook.chart, hook.object.body) for hook in hooks if hook.object.seal is None]
    path = _SECRETS.path(namespace, _name(inventory))
    if not kept:
        try:
            await cluster.delete(path)
        except ApiError as error:
            if error.status != 404:
                raise
        return
    unit = inventory.unit
    metadata = {
        "name": _name(inventory),
        "namespace": namespace,
        "labels": {FLEET: inventory.fleet, "app.kubernetes.io/managed-by": "reconciler"},
        "annotations": {SUBSCRIPTION: unit.subscription, CLUSTER: unit.cluster},
    }
    data = {_KEY: base64.b64encode(canonical(kept)).decode()}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
    await cluster.apply(path, secret, field_manager(inventory.fleet), force=True)


def _name(inventory: Inventory) -> str:
    return f"{name_of(inventory, 0)}-hooks"
