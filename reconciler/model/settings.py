"""`fleet.yaml`: the settings at the root of a fleet repo. The defaults are those of the embedded way to run."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from reconciler.model.applysettings import Apply, HealthRule, Prune, Tenant
from reconciler.model.rollout import Rollout
from reconciler.model.setting import Setting

FleetId = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$", description="Lower case letters, digits and '-', at most 40."
    ),
]


class Directory(Setting, frozen=True, kw_only=True):
    """One file per object below `path`, relative to the working directory of the run."""

    path: str = "rendered"
    """Where the files go; a directory per cluster below it."""


class Branches(Setting, frozen=True, kw_only=True):
    """One branch per cluster (the rendered-manifests pattern)."""

    repo: str | None = None
    """URL or path of the repo that holds the branches; the fleet repo itself when absent."""
    prefix: str = "clusters/"
    """The branch of cluster `east` is `clusters/east`."""


class Delivery(Setting, frozen=True, kw_only=True):
    """Where rendered feeds go."""

    to: Literal["directory", "branches", "clusters"] = "directory"
    """Files below a directory, a branch per cluster, or the clusters themselves."""
    directory: Directory = Directory()
    """For `to: directory`."""
    branches: Branches = Branches()
    """For `to: branches`."""


class Access(Setting, frozen=True, kw_only=True):
    """How one cluster is reached. Names only: no credential ever stands in the repo. Exactly one member is given."""

    context: str | None = None
    """A context of the kubeconfig that the run sees (`KUBECONFIG`, `--kubeconfig`)."""
    kubeconfig_env: str | None = None
    """An environment variable that holds the path of a kubeconfig, or its text."""
    in_cluster: bool = False
    """The service account of the pod that we run in."""


class Clusters(Setting, frozen=True, kw_only=True):
    """Where clusters come from, and how declared ones are reached."""

    source: Annotated[Literal["repo", "parent"], Meta(description="Declared in the repo, or read from a parent.")] = (
        msgspec.field(name="from", default="repo")
    )
    parent: Access | None = None
    """How the parent is reached, for `from: parent`."""
    access: Mapping[str, Access] = {}
    """By cluster name, for clusters that the repo declares. With `from: parent` the hub's Secrets are used."""


class StatusTo(Setting, frozen=True, kw_only=True):
    """Where status goes."""

    branch: str = "reconciler-status"
    """Branch of the status commits."""
    repo: str | None = None
    """URL or path of the repo that holds the status branch; the fleet repo itself when absent."""


class Signatures(Setting, frozen=True, kw_only=True):
    """Commits must be signed by one of these keys; empty trusts every commit that the remote serves."""

    ssh: tuple[str, ...] = ()
    """Public keys in `authorized_keys` form: `ssh-ed25519 AAAA… name@host`."""
    gpg: tuple[str, ...] = ()
    """ASCII-armoured public keys."""


class InventoryAt(Setting, frozen=True, kw_only=True):
    """Where the inventory is kept on a cluster."""

    namespace: str = "reconciler-system"
    """Namespace on each cluster that holds it."""
    kind: Annotated[Literal["ConfigMap", "Inventory"], Meta(description="ConfigMap, or our own kind.")] = "ConfigMap"
    """Inventory is a kind of our own (`kubectl get inventories`), whose definition must be allowed."""


class Repository(Setting, frozen=True, kw_only=True):
    """How one chart repository or registry is spoken to. Names only: no credential ever stands in the repo."""

    url: str
    """Charts whose `repo` begins with it."""
    username_env: str | None = None
    """Environment variable with the user name of basic auth."""
    password_env: str | None = None
    """Environment variable with the password of basic auth."""
    token_env: str | None = None
    """Environment variable with a bearer token, instead of user and password."""
    ca_file: str | None = None
    """Path in the fleet repo of the certificate authorities (PEM) that are trusted beside the system's."""


class SecretFrom(Setting, frozen=True, kw_only=True):
    """Where the credentials of a `chartPullSecret` come from when there is no hub that holds the Secret."""

    username_env: str
    """Environment variable with the user name."""
    password_env: str
    """Environment variable with the password."""


class Charts(Setting, frozen=True, kw_only=True):
    """How charts are fetched and rendered."""

    repositories: tuple[Repository, ...] = ()
    """How chart repositories and registries are spoken to."""
    pull_secrets: Mapping[str, SecretFrom] = {}
    """By `namespace/name` of the Secret that a HelmChart names."""
    keyring: str | None = None
    """Path in the fleet repo of a keyring with public keys; every chart must then have a provenance file that fits."""


class Kustomize(Setting, frozen=True, kw_only=True):
    """How kustomizations are built."""

    remote_bases: bool = False
    """Whether a kustomization may fetch bases from elsewhere; such a build is not the same for ever."""


class Templates(Setting, frozen=True, kw_only=True):
    """What `*.yaml.j2` files may use beside the facts of their cluster."""

    values: tuple[str, ...] = ()
    """Paths of YAML files, each laid over those before it: `values/{labels.region}.yaml`. A missing one is skipped."""


class ReplicaPath(Setting, frozen=True, kw_only=True):
    """Where a kind of object keeps its replicas, so that they can be divided."""

    api_version: str
    """`apiVersion` of the kind."""
    kind: str
    """The kind."""
    path: str = "/spec/replicas"
    """JSON pointer to the number of replicas."""
    template: str | None = "/spec/template"
    """JSON pointer to the pod template, whose requests dividing by capacity looks at."""


class Scheduling(Setting, frozen=True, kw_only=True):
    """What scheduling may know of the objects of this fleet."""

    replica_paths: tuple[ReplicaPath, ...] = ()
    """Kinds whose replicas are divided beside the built-in ones."""


class Settings(Setting, frozen=True, kw_only=True):
    """The whole of `fleet.yaml`."""

    fleet: FleetId
    """The fleet's id: part of the field manager, inventory and status, so that two fleets never prune each other."""
    roots: tuple[str, ...] = (".",)
    """Directories that are read, relative to the root of the repo."""
    ignore: tuple[str, ...] = (".github/**", ".gitlab/**", ".gitlab-ci.yml")
    """Glob patterns of paths that are not read; `**` spans directories."""
    delivery: Delivery = Delivery()
    """Where rendered feeds go."""
    clusters: Clusters = Clusters()
    """Where clusters come from, and how declared ones are reached."""
    status: StatusTo = StatusTo()
    """Where the status of each run is written."""
    signatures: Signatures = Signatures()
    """Whose signatures commits must have."""
    inventory: InventoryAt = InventoryAt()
    """Where the inventory is kept on a cluster."""
    charts: Charts = Charts()
    """How charts are fetched and rendered."""
    kustomize: Kustomize = Kustomize()
    """How kustomizations are built."""
    templates: Templates = Templates()
    """What templates may use."""
    scheduling: Scheduling = Scheduling()
    """What scheduling may know of custom kinds."""
    apply: Apply = Apply()
    """How objects are written to clusters."""
    prune: Prune = Prune()
    """How objects are deleted from clusters, and how many at once without a question."""
    health: tuple[HealthRule, ...] = ()
    """When objects of custom kinds are ready, for kinds whose conditions do not tell."""
    tenants: Mapping[str, Tenant] = {}
    """As whom the Subscriptions of a namespace are applied, by that namespace; as ourselves without an entry."""
    rollouts: tuple[Rollout, ...] = ()
    """In which order a change reaches the clusters. The first one that names a Subscription holds for it."""
