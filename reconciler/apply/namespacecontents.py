"""What a delete would take along: objects in a Namespace, or of a definition, that are not ours to delete.

Looked at right before the delete, when our own objects are gone: every kind that the server lists, metadata only, side
by side. What the control plane puts into every Namespace, what is being deleted and what goes with its owner does not
count. Where a kind cannot be listed nobody knows, and that counts.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from reconciler.adapters.kube.client import Client
from reconciler.adapters.kube.listable import Listable, listable
from reconciler.adapters.kube.resources import Resource
from reconciler.apply.gather import all_of
from reconciler.apply.prune import Leaving
from reconciler.model.errors import ApiError
from reconciler.model.objects import Object, ObjectKey, group_of
from reconciler.registry import names
from reconciler.registry.rights import RBAC

NAMED = 5
"""Objects that a message names."""
_NOTHING = {("", "Event"), ("events.k8s.io", "Event"), ("coordination.k8s.io", "Lease")}
"""Records of what went on, and who leads: nobody misses them."""
_MEASURED = {"metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io"}
"""Groups whose objects are answers, not stored."""
_EVERYWHERE = {("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")}
_GENERATED = {("", "Endpoints"), ("discovery.k8s.io", "EndpointSlice")}
_CONTROLLER = "kube-controller-manager"


class Contents(msgspec.Struct, frozen=True):
    """What is there beside us."""

    foreign: tuple[str, ...] = ()
    """Objects in words; sorted."""
    leaving: tuple[Leaving, ...] = ()
    """Objects that this run deletes elsewhere, which are on their way out."""

    @property
    def said(self) -> str:
        """The first of them, and how many there are; empty when there are none."""
        if not self.foreign:
            return ""
        more = f" and {len(self.foreign) - NAMED} more" if len(self.foreign) > NAMED else ""
        return ", ".join(self.foreign[:NAMED]) + more


async def of_namespace(cluster: Client, name: str, ours: frozenset[str], going: frozenset[str]) -> Contents:
    """What is in a Namespace; `ours` are UIDs of the fleet's objects, `going` of those that this run deletes."""
    try:
        kinds = await listable(cluster.get)
    except ApiError as error:
        return Contents((f"what its kinds are cannot be asked ({error.message})",))
    asked = [kind for kind in kinds if (kind.group, kind.kind) not in _NOTHING and kind.group not in _MEASURED]
    answers = await all_of(_list(cluster, kind.resource.path(name)) for kind in asked)
    namespaced = {(kind.group, kind.kind) for kind in kinds}
    found = _Sorting(ours, going, namespaced)
    for kind, answer in zip(asked, answers, strict=True):
        found.add(kind, name, answer)
    return found.contents


async def of_definition(cluster: Client, name: str, going: frozenset[str]) -> Contents:
    """The objects of a CustomResourceDefinition that nobody deletes."""
    path = Resource("apiextensions.k8s.io/v1", "customresourcedefinitions", namespaced=False).path(name=name)
    try:
        spec = (await cluster.get(path))["spec"]
    except ApiError as error:
        if error.status == 404:
            return Contents()
        raise
    version = next((one["name"] for one in spec["versions"] if one.get("served")), "")
    if not version:
        return Contents()
    names, scoped = spec["names"], spec["scope"] == "Namespaced"
    kind = Listable(Resource(f"{spec['group']}/{version}", names["plural"], namespaced=scoped), names["kind"])
    found = _Sorting(frozenset(), going, set())
    found.add(kind, "", await _list(cluster, kind.resource.path()))
    return found.contents


class _Sorting:
    """Tells what counts from what does not."""

    def __init__(self, ours: frozenset[str], going: frozenset[str], namespaced: set[tuple[str, str]]) -> None:
        self._ours = ours
        self._going = going
        self._namespaced = namespaced
        self._foreign: list[str] = []
        self._leaving: list[Leaving] = []

    @property
    def contents(self) -> Contents:
        return Contents(tuple(sorted(self._foreign)), tuple(self._leaving))

    def add(self, kind: Listable, namespace: str, answer: tuple[Object, ...] | ApiError) -> None:
        """Sort the objects of one kind."""
        if isinstance(answer, ApiError):
            if answer.status != 404:
                self._foreign.append(f"{kind.resource.plural} that we cannot list ({answer.reason})")
            return
        for item in answer:
            self._one(kind, namespace, item["metadata"])

    def _one(self, kind: Listable, namespace: str, metadata: Object) -> None:
        where = namespace or metadata.get("namespace") or ""
        key = ObjectKey(kind.group, kind.kind, where, metadata["name"])
        if metadata["uid"] in self._going:
            self._leaving.append(Leaving(key, kind.resource.path(where), metadata["uid"]))
        elif not (metadata.get("deletionTimestamp") or _is_nobodys(key, metadata) or self._is_owned(metadata)):
            self._foreign.append(str(key))

    def _is_owned(self, metadata: Object) -> bool:
        """It goes when its owners do, and they are ours, or in the same Namespace and looked at themselves."""
        owners = metadata.get("ownerReferences") or ()
        return bool(owners) and all(
            owner["uid"] in self._ours or (group_of(owner["apiVersion"]), owner["kind"]) in self._namespaced
            for owner in owners
        )


def _is_nobodys(key: ObjectKey, metadata: Mapping[str, Any]) -> bool:
    return _is_generated(key, metadata) or _gives_rights(key, metadata)


def _is_generated(key: ObjectKey, metadata: Mapping[str, object]) -> bool:
    if not key.group and (key.kind, key.name) in _EVERYWHERE:
        return True
    return (key.group, key.kind) in _GENERATED and set(_managers(metadata)) == {_CONTROLLER}


def _gives_rights(key: ObjectKey, metadata: Mapping[str, Any]) -> bool:
    """It is there so that an account of ours may work in the Namespace."""
    labels = metadata.get("labels") or {}
    return key.group == RBAC and labels.get(names.MANAGED_BY) == names.RECONCILER


def _managers(metadata: Mapping[str, object]) -> Iterator[str]:
    fields = metadata.get("managedFields")
    entries: Iterable[Mapping[str, str]] = fields if isinstance(fields, list) else ()
    return (entry["manager"] for entry in entries)


async def _list(cluster: Client, path: str) -> tuple[Object, ...] | ApiError:
    try:
        return (await cluster.list(path, metadata_only=True)).items
    except ApiError as error:
        return error
