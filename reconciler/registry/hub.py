"""The objects of a registered cluster in the hub, on Clusternet's wire (`clusternet-clusters.md` §0, §2.6, §3.1)."""

import base64
import datetime
from collections.abc import Mapping
from typing import Any

import msgspec

from reconciler.model.wire.clusters import API_VERSION
from reconciler.registry import names
from reconciler.registry.observation import moment, timestamp


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """A child cluster as it is registered."""

    name: str
    id: str
    """Its cluster id."""
    namespace: str
    """Its dedicated namespace."""
    labels: Mapping[str, str] = {}
    """Labels that the user gives its ManagedCluster."""
    cluster_type: str = ""


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """How the hub gets into a child."""

    server: str
    authorities: bytes | None
    """PEM; None trusts the authorities of the system."""
    token: str
    account: str
    account_uid: str = ""
    issued: datetime.datetime | None = None
    expires: datetime.datetime | None = None
    """None: a token that never expires, made by somebody else."""

    def __repr__(self) -> str:
        return f"Credential({self.server}, …)"

    def due(self, now: datetime.datetime) -> bool:
        """Whether half of the token's life is over: runs may be days apart, so we ask early."""
        if self.expires is None:
            return False
        return now >= (self.issued or now) + (self.expires - (self.issued or now)) / 2


def namespace(cluster: Registration) -> dict[str, Any]:
    """The dedicated namespace."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": cluster.namespace, "labels": _labels(cluster)},
    }


def managed_cluster(cluster: Registration) -> dict[str, Any]:
    """The ManagedCluster, without its status."""
    kind = {"clusterType": cluster.cluster_type} if cluster.cluster_type else {}
    return {
        "apiVersion": API_VERSION,
        "kind": "ManagedCluster",
        "metadata": {
            "name": cluster.name,
            "namespace": cluster.namespace,
            "labels": {**cluster.labels, **_labels(cluster)},
        },
        "spec": {"clusterId": cluster.id, **kind, "syncMode": "Push"},
    }


def secret(cluster: Registration, credential: Credential, fleet: str) -> dict[str, Any]:
    """The Secret with which the hub gets into the child.

    It has no finalizer of ours: Clusternet's controller adds its own where one runs, and nobody could delete the
    namespace where none runs.
    """
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": names.SECRET,
            "namespace": cluster.namespace,
            "labels": {
                names.CREATED_BY: names.AGENT,
                names.CLUSTER_ID: cluster.id,
                names.BOOTSTRAPPING: "credentials-auto",
            },
            "annotations": {names.AUTOUPDATE: "true", names.FLEET: fleet, **_validity(credential)},
        },
        "type": "Opaque",
        "data": secret_data(credential),
    }


def secret_data(credential: Credential) -> dict[str, str]:
    """`data` of the Secret."""
    texts = {
        names.ADVERTISED: credential.server.encode(),
        "ca.crt": credential.authorities or b"",
        "service-account.name": credential.account.encode(),
        "service-account.uid": credential.account_uid.encode(),
        "token": credential.token.encode(),
    }
    return {key: base64.b64encode(value).decode() for key, value in texts.items() if value}


def renewed(secret: Mapping[str, Any], credential: Credential) -> dict[str, Any]:
    """The merge patch that puts a new token into a Secret, unless somebody changed the Secret meanwhile."""
    version = secret["metadata"]["resourceVersion"]
    annotations = _validity(credential)
    return {"metadata": {"resourceVersion": version, "annotations": annotations}, "data": secret_data(credential)}


def credential_of(secret: Mapping[str, Any]) -> Credential | None:
    """The credential in a Secret of ours or of a Clusternet agent; None when it has no address or no token."""
    data = {key: base64.b64decode(value or "") for key, value in (secret.get("data") or {}).items()}
    annotations = secret["metadata"].get("annotations") or {}
    if not data.get(names.ADVERTISED) or not data.get("token"):
        return None
    return Credential(
        server=data[names.ADVERTISED].decode().rstrip("/"),
        authorities=data.get("ca.crt") or None,
        token=data["token"].decode(),
        account=data.get("service-account.name", b"").decode(),
        account_uid=data.get("service-account.uid", b"").decode(),
        issued=_moment(annotations.get(names.ISSUED)),
        expires=_moment(annotations.get(names.EXPIRES)),
    )


def _labels(cluster: Registration) -> dict[str, str]:
    return {names.CREATED_BY: names.AGENT, names.CLUSTER_ID: cluster.id, names.CLUSTER_NAME: cluster.name}


def _validity(credential: Credential) -> dict[str, str]:
    if credential.expires is None or credential.issued is None:
        return {}
    return {names.ISSUED: timestamp(credential.issued), names.EXPIRES: timestamp(credential.expires)}


def _moment(text: str | None) -> datetime.datetime | None:
    return moment(text) if text else None
