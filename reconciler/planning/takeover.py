"""Fields that kubectl, earlier tools or a Clusternet agent left behind become ours, as Flux does it.

Server-side apply removes a field that left the manifest only when nobody else owns it. Whoever managed an object before
us still owns every field of it, so that nothing would ever go. Their entries in `managedFields` are merged into ours
(the union of the sets), after which our next apply removes what the manifest lacks. Statuses and scales belong to
controllers and stay theirs.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.model.objects import Object

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_EARLIER = ("kubectl", "clusternet-", "before-first-apply")
"""Beginnings of field managers that people and earlier tools write with."""
_NOT = ("kubectl-rollout",)
"""It asked for a restart, and taking its annotation away would be another one."""
_TOOLS = (
    "helm", "kustomize-controller", "helm-controller", "argocd-controller", "argocd-application-controller",
    "fleetagent", "reconciler.",
)  # fmt: skip
"""Managers of other tools and fleets, taken over only from an owner that the author said to take it from."""
Fields = Mapping[str, Any]


def patch(metadata: Object, manager: str, api_version: str, *, tools: bool) -> tuple[Mapping[str, Any], ...]:
    """The JSON patch that makes earlier managers' fields ours; empty when they have none.

    It names the resourceVersion that was seen, so that the server refuses it (409) when somebody wrote since.
    """
    entries = metadata.get("managedFields") or ()
    annotated = LAST_APPLIED in (metadata.get("annotations") or {})
    merged = merged_entries(entries, manager, api_version, tools=tools)
    if merged is None and not annotated:
        return ()
    steps: list[Mapping[str, Any]] = [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]}
    ]
    if merged is not None:
        steps.append({"op": "replace", "path": "/metadata/managedFields", "value": merged})
    if annotated:
        steps.append({"op": "remove", "path": f"/metadata/annotations/{LAST_APPLIED.replace('/', '~1')}"})
    return tuple(steps)


def merged_entries(
    entries: Sequence[Mapping[str, Any]], manager: str, api_version: str, *, tools: bool
) -> list[Mapping[str, Any]] | None:
    """The entries with those of earlier managers in one of ours; None when there are none of them."""
    earlier = [entry for entry in entries if _is_earlier(entry, manager, tools=tools)]
    if not earlier:
        return None
    ours = [entry for entry in entries if _is_ours(entry, manager)]
    sets = [entry.get("fieldsV1") or {} for entry in (*ours, *earlier)]
    latest = max((str(entry.get("time") or "") for entry in (*ours, *earlier)), default="")
    mine = {
        "manager": manager,
        "operation": "Apply",
        "apiVersion": ours[0].get("apiVersion", api_version) if ours else api_version,
        **({"time": latest} if latest else {}),
        "fieldsType": "FieldsV1",
        "fieldsV1": union(sets),
    }
    gone = [*ours, *earlier]
    return [mine, *(entry for entry in entries if all(entry is not one for one in gone))]


def union(sets: Sequence[Fields]) -> Fields:
    """The fields that are in any of these sets (`fieldsV1`)."""
    found: dict[str, Any] = {}
    for fields in sets:
        for name, below in fields.items():
            found[name] = union([found[name], below]) if name in found else below
    return found


def _is_ours(entry: Mapping[str, Any], manager: str) -> bool:
    return entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource")


def _is_earlier(entry: Mapping[str, Any], manager: str, *, tools: bool) -> bool:
    name = str(entry.get("manager") or "")
    if entry.get("subresource") or _is_ours(entry, manager):
        return False
    if name == manager:
        return True
    return name.startswith(_EARLIER + (_TOOLS if tools else ())) and name not in _NOT
