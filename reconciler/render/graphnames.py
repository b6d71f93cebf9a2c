"""Names, labels and identities of Clusternet's own objects (contract `clusternet-apps.md` §0.3, §3).

Where Clusternet takes what a server or chance gives (UIDs, five random characters), they are made of the fleet's id and
of what they stand for, so that the same commit gives the same graph.
"""

import hashlib
import re
import uuid
from collections.abc import Mapping
from typing import Any

from reconciler.model.clusters import ClusterFacts
from reconciler.model.objects import Object, ObjectKey

API_VERSION = "apps.clusternet.io/v1alpha1"
GROUP = "apps.clusternet.io"
RESERVED = "clusternet-reserved"
CREATED_BY = "clusternet.io/created-by"
HUB = "clusternet-hub"
CONTROLLER = "clusternet-controller-manager"
FINALIZER = "apps.clusternet.io/finalizer"
PROTECTION = "apps.clusternet.io/feed-protection"
CONFIG = "apps.clusternet.io/config."
SUBS = "apps.clusternet.io/subs."
CLUSTER_ID = "clusters.clusternet.io/cluster-id"
CLUSTER_NAME = "clusters.clusternet.io/cluster-name"

_SPACE = uuid.UUID("6f1e1c54-6a0b-5d0e-9f5e-3b8e6f0a9c11")
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_LABEL = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LONGEST_NAME = 253
_LONGEST_LABEL = 57
"""Clusternet leaves out names that are longer: five characters and a dash may follow."""
_PLURALS = {"Endpoints": "endpoints"}


def uid(fleet: str, *what: str) -> str:
    """The UID of one object of a fleet."""
    return str(uuid.uuid5(_SPACE, "\n".join((fleet, *what))))


def suffix(seed: str) -> str:
    """Five characters as Kubernetes makes them at random, of a seed."""
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest())
    drawn = []
    for _ in range(5):
        number, place = divmod(number, len(_ALPHABET))
        drawn.append(_ALPHABET[place])
    return "".join(drawn)


def plural(key: ObjectKey, declared: Mapping[tuple[str, str], str]) -> str:
    """The plural of a kind. `declared` are those of the repo's CustomResourceDefinitions."""
    known = declared.get((key.group, key.kind)) or _PLURALS.get(key.kind)
    if known is not None:
        return known
    word = key.kind.lower()
    if word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh")) else "s")


def stored_name(plural: str, key: ObjectKey) -> str:
    """The name of the Manifest of an object.

    A name that a custom resource cannot have (`system:foo`) is made legible, and told apart by a digest.
    """
    name = ".".join(part for part in (plural, key.namespace, key.name) if part)
    if _NAME.fullmatch(name) and len(name) <= _LONGEST_NAME:
        return name
    remains = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")[:200].strip("-.")
    return f"{re.sub(r'-*[.][-.]*', '.', remains)}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def labels(pairs: Mapping[str, str]) -> dict[str, str]:
    """Labels in order, without those whose value no label can have."""
    return {key: value for key, value in sorted(pairs.items()) if _LABEL.fullmatch(value)}


def short(name: str) -> str | None:
    """A name as a label may carry it; None when it is too long."""
    return name if len(name) <= _LONGEST_LABEL else None


def config(kind: str, namespace: str, name: str | None, uid: str) -> dict[str, str]:
    """The labels that name the object that another one was made of."""
    told = {"kind": kind, "namespace": namespace, "name": name, "uid": uid}
    return {CONFIG + key: value for key, value in told.items() if value is not None}


def subscription(namespace: str, name: str, uid: str) -> dict[str, str]:
    """The labels that name the Subscription of an object."""
    told = {"namespace": namespace, "name": short(name), "uid": uid}
    return {SUBS + key: value for key, value in told.items() if value is not None}


def cluster(facts: ClusterFacts) -> dict[str, str]:
    """The labels that name the cluster of an object."""
    return {CLUSTER_ID: facts.id, CLUSTER_NAME: facts.name}


def owner(obj: Object) -> list[dict[str, Any]]:
    """The reference to the object that controls another one."""
    metadata = obj["metadata"]
    return [
        {
            "apiVersion": obj["apiVersion"],
            "kind": obj["kind"],
            "name": metadata["name"],
            "uid": metadata["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def marked(body: Object) -> Object:
    """An object as the hub keeps it: with the label by which its agent knows what it delivered."""
    metadata = body["metadata"]
    return {**body, "metadata": {**metadata, "labels": {**(metadata.get("labels") or {}), CREATED_BY: HUB}}}
