"""Names, labels and annotations of registration. The first group is Clusternet's wire (`clusternet-clusters.md` §0).

Registered objects carry the labels that Clusternet's own approver would give them, so that its tools list our clusters
and its agent can take one over.
"""

import re

from reconciler.model.errors import UsageError

CREATED_BY = "clusternet.io/created-by"
AGENT = "clusternet-agent"
"""The value that Clusternet looks for on the namespace, the ManagedCluster and the Secret of a cluster."""
CLUSTER_ID = "clusters.clusternet.io/cluster-id"
CLUSTER_NAME = "clusters.clusternet.io/cluster-name"
BOOTSTRAPPING = "clusters.clusternet.io/bootstrapping"
AUTOUPDATE = "clusternet.io/autoupdate"
FINALIZER = "apps.clusternet.io/finalizer"
SYSTEM_NAMESPACE = "clusternet-system"
AGENT_LEASE = "clusternet-agent"
LEGACY_ID = "legacy-cluster-id"
SECRET = "child-cluster-deployer"  # noqa: S105 - the name of a Secret
ADVERTISED = "apiserver-advertise-url"

FLEET = "reconciler.clusternet.io/fleet"
"""Label of what a fleet's registration made in a child; annotation of the Secret in the hub."""
EXPIRES = "reconciler.clusternet.io/token-expires"
"""Annotation of the Secret: when the token ends, RFC 3339."""
ISSUED = "reconciler.clusternet.io/token-issued"
"""Annotation of the Secret: when the token was made, RFC 3339."""
MANAGED_BY = "app.kubernetes.io/managed-by"
RECONCILER = "reconciler"

LONGEST_NAME = 30
"""Clusternet's CRDs take no longer cluster name in the status of a Subscription."""
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def dedicated_namespace(name: str) -> str:
    """The namespace that we make for a cluster; known before the cluster is, so that Localizations can be committed.

    UsageError when the name cannot be that of a cluster.
    """
    if not _LABEL.fullmatch(name) or len(name) > LONGEST_NAME:
        hint = f"lower-case letters, digits and dashes, at most {LONGEST_NAME} characters"
        raise UsageError("bad-name", f"{name!r} cannot be the name of a cluster", hint)
    return f"clusternet-{name}"


def account(fleet: str) -> str:
    """The service account in a child; every fleet has its own."""
    return f"reconciler-{fleet}"


def digest_key(fleet: str) -> str:
    """The Secret beside the inventories in a child that holds the key of digests of Secrets."""
    return f"reconciler.{fleet}.digests"


def child_labels(fleet: str) -> dict[str, str]:
    """What marks the objects in a child as this fleet's registration."""
    return {MANAGED_BY: RECONCILER, FLEET: fleet}
