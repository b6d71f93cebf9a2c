"""As whom the Subscriptions of a namespace are applied: tenants of `fleet.yaml` become impersonating connections.

A tenant's requests go over our own connection and in its slots, with headers that make them the tenant's; what it may
not do, the API server refuses. Whether we may impersonate it is asked once for each tenant and cluster, so that a
missing right is one message and not one per object.
"""

import asyncio
from collections.abc import Mapping

from reconciler.adapters.kube.acting import as_user
from reconciler.adapters.kube.client import Client
from reconciler.apply.options import AsTenant
from reconciler.model.applysettings import Tenant
from reconciler.model.errors import ApiError, ReconcilerError
from reconciler.registry.tenancy import Identity, identity_of

_REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def as_tenants(client: Client, tenants: Mapping[str, Tenant]) -> AsTenant | None:
    """Who applies on one cluster; None where nobody is a tenant."""
    return _Tenants(client, tenants) if tenants else None


class _Tenants:
    def __init__(self, client: Client, tenants: Mapping[str, Tenant]) -> None:
        self._client = client
        self._tenants = tenants
        self._known: dict[str, Client] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def __call__(self, namespace: str) -> Client:
        """The connection that applies Subscriptions of a namespace."""
        tenant = self._tenants.get(namespace)
        if tenant is None:
            return self._client
        async with self._asking.setdefault(namespace, asyncio.Lock()):
            if namespace not in self._known:
                self._known[namespace] = await acting(self._client, identity_of(tenant))
        return self._known[namespace]


async def acting(client: Client, identity: Identity) -> Client:
    """Our connection as somebody else. ReconcilerError `may-not-impersonate`, with the rule that is missing."""
    name = f"{client.connection} as {identity.user}"
    mine = client.acting(name, as_user(identity.user, identity.groups))
    try:
        await mine.post(_REVIEW, {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})
    except ApiError as error:
        if error.status != 403 or "impersonate" not in error.message:
            raise
        rules = "; ".join(identity.needs)
        what = f"our account may not impersonate {identity.user} on {client.connection}: it needs {rules}"
        raise ReconcilerError("may-not-impersonate", f"{what} (`reconciler rbac` prints it)") from error
    return mine
