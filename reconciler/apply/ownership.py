"""How an object on a cluster shows whose it is: the field manager, Clusternet's two annotations, and what they tell us.

The annotations are added at the moment of writing and are no part of a digest: they differ between clusters, and a
Clusternet agent reads them when it takes over.
"""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from reconciler.model.applying import ADOPTED
from reconciler.model.feed import Unit
from reconciler.model.objects import Object, canonical, digest_of

OWNER = "apps.clusternet.io/owned-by-description"
LAST_APPLIED = "clusternet.io/last-applied-configuration"
LONGEST_LAST_APPLIED = 200 * 1024
"""An object may carry 256 KiB of annotations; an author's own must fit beside this one."""
_CONTROL_PLANE = frozenset({"kube-controller-manager", "kube-scheduler", "kube-apiserver", "kubelet"})


def field_manager(fleet: str) -> str:
    """The name under which a fleet owns fields."""
    return f"reconciler.{fleet}"


def owner(unit: Unit, dedicated_namespace: str) -> str:
    """The Description that Clusternet would name as the owner of a unit's objects."""
    return f"{dedicated_namespace}.{unit.subscription.rpartition('/')[2]}-generic"


def body(wanted: Object, owned_by: str, uid: str = "", *, hidden: bool = False, adopted: bool = False) -> Object:
    """What is sent: the wanted object with both annotations, for exactly one incarnation of it when a UID is given.

    A Secret, or what is `hidden` in the repo, goes without the second annotation, which would show its values to
    everybody who describes it; so does an object whose text would not fit. One that was there before us says so.
    """
    metadata = wanted["metadata"]
    annotations = {**(metadata.get("annotations") or {}), OWNER: owned_by}
    configuration: Object = {**wanted, "metadata": {**metadata, "annotations": annotations}}
    if wanted["kind"] != "Secret" and not hidden:
        text = canonical(configuration).decode()
        if len(text) <= LONGEST_LAST_APPLIED:
            annotations = {**annotations, LAST_APPLIED: text}
    if adopted:
        annotations = {**annotations, ADOPTED: "true"}
    more = {"uid": uid} if uid else {}
    return {**_folded(wanted), "metadata": {**metadata, **more, "annotations": annotations}}


def _folded(wanted: Object) -> Object:
    """A Secret with its `stringData` in `data`, where the server keeps it.

    Otherwise server-side apply would own a field that does not exist: it would overwrite keys of others without a
    conflict, and never remove a key of ours.
    """
    texts = wanted.get("stringData")
    if (
        wanted["kind"] != "Secret"
        or not isinstance(texts, Mapping)
        or not all(isinstance(t, str) for t in texts.values())
    ):
        return wanted
    data = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
    rest = {key: value for key, value in wanted.items() if key != "stringData"}
    return {**rest, "data": {**(wanted.get("data") or {}), **data}}


class Mark(msgspec.Struct, frozen=True):
    """What `managedFields` tell about an object."""

    ours: bool
    """Our field manager has applied it."""
    alone: bool
    """Nobody wrote it before us, so that we made it."""
    fields: str
    """Fingerprint of the fields that are ours."""


def mark_of(metadata: Object, manager: str) -> Mark:
    """Read the marks that an API server keeps of everybody who writes; statuses and scales do not count.

    The control plane writes into what we made (a revision, a volume's name), and also makes objects of its own: those
    it wrote before us.
    """
    writers = [entry for entry in metadata.get("managedFields") or () if not entry.get("subresource")]
    mine = next((e for e in writers if e.get("manager") == manager and e.get("operation") == "Apply"), None)
    if mine is None:
        return Mark(ours=False, alone=False, fields="")
    alone = all(_came_after(entry, mine) for entry in writers if entry is not mine)
    return Mark(ours=True, alone=alone, fields=digest_of(mine.get("fieldsV1"))[:16])


def _came_after(entry: Mapping[str, Any], mine: Mapping[str, Any]) -> bool:
    return entry.get("manager") in _CONTROL_PLANE and (entry.get("time") or "") >= (mine.get("time") or "")
