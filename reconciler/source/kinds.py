"""Which kinds there are: the control kinds with their models, and the built-in kinds of Kubernetes with their scope.

The built-in table is used for two things only: to put namespaced objects without a namespace into `default`, as kubectl
does, and to notice a misspelt kind. Kinds of other groups are taken as they are.
"""

from collections.abc import Mapping
from typing import Final

from reconciler.model import authored
from reconciler.model.objects import Object, group_of
from reconciler.model.scopes import declared_scopes as declared_scopes
from reconciler.model.scopes import in_namespace as in_namespace
from reconciler.model.scopes import kinds_of as kinds_of
from reconciler.model.scopes import namespaced as namespaced
from reconciler.model.scopes import without_namespace as without_namespace

APPS: Final = "apps.clusternet.io"
CLUSTERS: Final = "clusters.clusternet.io"
MCS: Final = "multicluster.x-k8s.io"

MODELS: Final[Mapping[tuple[str, str], type]] = {
    (APPS, "Subscription"): authored.Subscription,
    (APPS, "Localization"): authored.Localization,
    (APPS, "Globalization"): authored.Globalization,
    (APPS, "HelmChart"): authored.HelmChart,
    (CLUSTERS, "ManagedCluster"): authored.ManagedCluster,
    (MCS, "ServiceExport"): authored.ServiceExport,
}
"""Kinds that are read strictly. A ServiceExport is a resource all the same: it may be a feed."""

FLEET_KINDS: Final = frozenset(MODELS) - {(MCS, "ServiceExport"), (APPS, "HelmChart")}
"""Kinds that never leave the repo."""

HUB_KINDS: Final = frozenset(
    {(APPS, kind) for kind in ("Base", "Description", "HelmRelease", "Manifest", "FeedInventory")}
    | {(CLUSTERS, "ClusterRegistrationRequest"), (MCS, "ServiceImport")}
)
"""Kinds that the hub writes; in a fleet repo they do nothing."""

KUSTOMIZE: Final = "kustomize.config.k8s.io"
KUSTOMIZATION_FIELDS: Final = frozenset(
    [
        "apiVersion",
        "kind",
        "metadata",
        "bases",
        "buildMetadata",
        "commonAnnotations",
        "commonLabels",
        "components",
        "configMapGenerator",
        "configurations",
        "crds",
        "generatorOptions",
        "generators",
        "helmChartInflationGenerator",
        "helmCharts",
        "helmGlobals",
        "imageTags",
        "images",
        "labels",
        "namePrefix",
        "nameSuffix",
        "namespace",
        "openapi",
        "patches",
        "patchesJson6902",
        "patchesStrategicMerge",
        "replacements",
        "replicas",
        "resources",
        "secretGenerator",
        "sortOptions",
        "transformers",
        "validators",
        "vars",
    ]
)
"""All that a kustomization file may say."""
KUSTOMIZATION_ONLY: Final = KUSTOMIZATION_FIELDS - {"apiVersion", "kind", "metadata"}
"""Those that tell a kustomization from other documents."""


def is_definition(body: Object) -> bool:
    """Whether an object is a CustomResourceDefinition."""
    return type_of(body) == ("apiextensions.k8s.io", "CustomResourceDefinition")


def type_of(body: Object) -> tuple[str, str]:
    """Group and kind of an object."""
    return group_of(body["apiVersion"]), body["kind"]


def identity(api_version: str, kind: str, namespace: str | None, name: str) -> Object:
    """The part of an object that names it."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"namespace": namespace, "name": name}}


def subscription(name: str) -> Object:
    """The identity of the Subscription `namespace/name`."""
    return identity(f"{APPS}/v1alpha1", "Subscription", *name.split("/", 1))


DECLARED: Final = identity(f"{CLUSTERS}/v1beta1", "ManagedCluster", None, "")
"""Stands for any declared cluster where problems of clusters are told."""
