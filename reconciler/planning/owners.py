"""Who says that an object on a cluster is theirs: other fleets, other tools, controllers; told from its metadata alone.

Every tool marks what it manages with labels or annotations of its own, or with its field manager. What carries no such
mark is nobody's, whoever made it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from reconciler.model.objects import Object

OWNER = "apps.clusternet.io/owned-by-description"
"""Annotation by which Clusternet, and we, name the Description that an object belongs to."""
OURS = "reconciler."
"""What the field managers of all fleets begin with."""
_LABELS = (
    ("kustomize.toolkit.fluxcd.io/name", "Flux Kustomization", "kustomize.toolkit.fluxcd.io/namespace"),
    ("helm.toolkit.fluxcd.io/name", "Flux HelmRelease", "helm.toolkit.fluxcd.io/namespace"),
    ("argocd.argoproj.io/instance", "Argo CD Application", ""),
    ("work.karmada.io/permanent-id", "Karmada Work", ""),
    ("addons.cluster.x-k8s.io/resource-set", "Cluster API ClusterResourceSet", ""),
    ("eks.amazonaws.com/component", "Amazon EKS add-on", ""),
    ("addonmanager.kubernetes.io/mode", "Kubernetes addon manager", ""),
)
_ANNOTATIONS = (
    ("argocd.argoproj.io/tracking-id", "Argo CD Application"),
    ("objectset.rio.cattle.io/id", "Rancher object set"),
    ("configmanagement.gke.io/managed", "Config Sync"),
    ("config.k8s.io/owning-inventory", "kpt inventory"),
    ("work.karmada.io/name", "Karmada Work"),
)


class Claim(msgspec.Struct, frozen=True):
    """Whose an object is by what stands on it."""

    owner: str
    """In words; empty when nobody else says that it is theirs."""
    ours: bool
    """It is of this very unit: written by our field manager, or by a Clusternet agent for the same Description."""


def claim_of(metadata: Object, manager: str, description: str) -> Claim:
    """Read the marks. Our own field manager outweighs what other tools left, for they would not have let us write."""
    applied = any(e.get("manager") == manager and e.get("operation") == "Apply" for e in _entries(metadata))
    if applied:
        return Claim(owner="", ours=True)
    owner = next(_others(metadata, manager, description), "")
    annotations = metadata.get("annotations") or {}
    return Claim(owner, ours=not owner and annotations.get(OWNER) == description)


def makers(metadata: Object) -> str:
    """Field managers that wrote an object, sorted, for people; statuses and scales do not count."""
    return ", ".join(sorted({str(e["manager"]) for e in _entries(metadata) if e.get("manager")}))


def _others(metadata: Object, manager: str, description: str) -> Iterator[str]:
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    for entry in _entries(metadata):
        name = str(entry.get("manager") or "")
        if name.startswith(OURS) and name != manager and entry.get("operation") == "Apply":
            yield f"fleet {name.removeprefix(OURS)}"
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("controller"):
            yield f"{owner.get('kind')} {owner.get('name')}"
    for label, tool, space in _LABELS:
        if label in labels:
            home = f"{labels[space]}/" if space and labels.get(space) else ""
            yield f"{tool} {home}{labels[label]}"
    for annotation, tool in _ANNOTATIONS:
        if annotation in annotations:
            yield f"{tool} {str(annotations[annotation]).partition(':')[0]}"
    yield from _helm(labels, annotations)
    named = annotations.get(OWNER)
    if named and named != description:
        yield f"Clusternet Description {named}"


def _helm(labels: Mapping[str, Any], annotations: Mapping[str, Any]) -> Iterator[str]:
    release = annotations.get("meta.helm.sh/release-name")
    if not release or labels.get("app.kubernetes.io/managed-by") != "Helm":
        return
    space = annotations.get("meta.helm.sh/release-namespace")
    home = f"{space}/" if space else ""
    fleet = str(annotations.get("objectset.rio.cattle.io/owner-name") or "")
    yield f"Rancher Fleet bundle {fleet}" if fleet else f"Helm release {home}{release}"


def _entries(metadata: Object) -> Iterator[Mapping[str, Any]]:
    return (entry for entry in metadata.get("managedFields") or () if not entry.get("subresource"))
