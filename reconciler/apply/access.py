"""Into a registered cluster with the hub's Secret; the token in it is renewed by whoever uses it.

Secrets of Clusternet agents, whose tokens never expire, are read as they are and never changed.
"""

import datetime

import msgspec

from reconciler.adapters import clock
from reconciler.adapters.kube.client import Client, connect
from reconciler.adapters.kube.connection import Connection, Tls, Token
from reconciler.adapters.kube.resources import Resource
from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import ApiError, ReconcilerError, Untrusted
from reconciler.model.objects import Object
from reconciler.registry import hub as wire
from reconciler.registry import names
from reconciler.registry.hub import Credential
from reconciler.registry.observation import moment

MANAGER = "reconciler-registration"
LIFETIME_SECONDS = 7 * 86_400
"""What is asked for; a server may give less. Renewed at half of it, so that runs may be three days apart."""
SECRETS = Resource("v1", "secrets", namespaced=True)
_ACCOUNTS = Resource("v1", "serviceaccounts", namespaced=True)


async def connection_of(hub: Client, cluster: ClusterFacts) -> Connection:
    """How to reach a cluster, with a token that is renewed first when half of its life is over.

    Untrusted when the Secret is absent, incomplete, of another cluster, or its token has expired. A renewal that fails
    is a warning of the connection, as long as the old token lives.
    """
    secret = await _secret(hub, cluster)
    credential = _credential(secret, cluster)
    if not credential.due(clock.now()):
        return as_connection(credential, cluster.name)
    try:
        return as_connection(await refresh(hub, secret), cluster.name)
    except ReconcilerError as error:
        if credential.expires and credential.expires <= clock.now():
            what = f"the token for cluster {cluster.name} has expired, and no new one is given: {error.message}"
            raise Untrusted("token-expired", what, _hint(cluster)) from error
        text = f"the token for cluster {cluster.name} could not be renewed: {error.message}"
        return msgspec.structs.replace(as_connection(credential, cluster.name), warnings=(text,))


async def refresh(hub: Client, secret: Object, lifetime: int = LIFETIME_SECONDS) -> Credential:
    """Ask the child for the next token with the present one, and put it into the Secret.

    When another run was faster, its token is the answer. The Secret must hold a credential of ours.
    """
    namespace = secret["metadata"]["namespace"]
    old = wire.credential_of(secret)
    if old is None:
        raise Untrusted("no-credential", f"Secret {namespace}/{names.SECRET} holds no credential")
    async with connect(as_connection(old, namespace)) as child:
        issued = await issue(child, old.account, lifetime)
    renewed = msgspec.structs.replace(old, token=issued.token, issued=issued.at, expires=issued.expires)
    path = SECRETS.path(namespace, names.SECRET)
    try:
        await hub.merge_patch(path, wire.renewed(secret, renewed), MANAGER)
    except ApiError as error:
        if error.status != 409:
            raise
        return wire.credential_of(await hub.get(path)) or renewed
    return renewed


class Issued(msgspec.Struct, frozen=True):
    """A new token."""

    token: str
    at: datetime.datetime
    expires: datetime.datetime

    def __repr__(self) -> str:
        return "Issued(…)"


async def issue(child: Client, account: str, lifetime: int = LIFETIME_SECONDS) -> Issued:
    """A token of an account in the system namespace, by the TokenRequest API. `lifetime` is in seconds."""
    path = _ACCOUNTS.path(names.SYSTEM_NAMESPACE, account) + "/token"
    spec = {"expirationSeconds": lifetime}
    at = clock.now()
    answer = await child.post(
        path, {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {}, "spec": spec}
    )
    return Issued(answer["status"]["token"], at, moment(answer["status"]["expirationTimestamp"]))


def as_connection(credential: Credential, name: str) -> Connection:
    """A credential as a connection; Untrusted when it would go unencrypted."""
    if not credential.server.startswith("https://"):
        raise Untrusted("not-encrypted", f"the address of cluster {name} is not https: its token would be readable")
    return Connection(
        server=credential.server,
        name=name,
        tls=Tls(authorities=credential.authorities),
        credential=Token(credential.token),
    )


async def _secret(hub: Client, cluster: ClusterFacts) -> Object:
    try:
        return await hub.get(SECRETS.path(cluster.namespace, names.SECRET))
    except ApiError as error:
        if error.status != 404:
            raise
        what = f"the hub has no Secret {cluster.namespace}/{names.SECRET} for cluster {cluster.name}"
        raise Untrusted("no-credential", what, _hint(cluster)) from error


def _credential(secret: Object, cluster: ClusterFacts) -> Credential:
    labelled = (secret["metadata"].get("labels") or {}).get(names.CLUSTER_ID, cluster.id)
    credential = wire.credential_of(secret)
    if credential is None or labelled.lower() != cluster.id:
        problem = "holds no credential" if credential is None else f"is that of cluster id {labelled}"
        what = f"Secret {cluster.namespace}/{names.SECRET} {problem}"
        raise Untrusted("no-credential", what, _hint(cluster))
    return credential


def _hint(cluster: ClusterFacts) -> str:
    return f"reconciler cluster add {cluster.name} --context CONTEXT"
