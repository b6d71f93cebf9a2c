"""`fleet.yaml`: the settings at the root of a fleet repo. The defaults are those of the embedded way to run."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

FleetId = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$", description="Lower case letters, digits and '-', at most 40."
    ),
]


class _Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True):
    pass


class Directory(_Settings, frozen=True, kw_only=True):
    """One file per object below `path`, relative to the working directory of the run."""

    path: str = "rendered"


class Branches(_Settings, frozen=True, kw_only=True):
    """One branch per cluster (the rendered-manifests pattern)."""

    repo: str | None = None
    """URL or path of the repo that holds the branches; the fleet repo itself when absent."""
    prefix: str = "clusters/"
    """The branch of cluster `east` is `clusters/east`."""


class Delivery(_Settings, frozen=True, kw_only=True):
    """Where rendered feeds go."""

    to: Literal["directory", "branches", "clusters"] = "directory"
    directory: Directory = Directory()
    branches: Branches = Branches()


class Access(_Settings, frozen=True, kw_only=True):
    """How one cluster is reached. Names only: no credential ever stands in the repo. Exactly one member is given."""

    context: str | None = None
    """A context of the kubeconfig that the run sees (`KUBECONFIG`, `--kubeconfig`)."""
    kubeconfig_env: str | None = None
    """An environment variable that holds the path of a kubeconfig, or its text."""
    in_cluster: bool = False
    """The service account of the pod that we run in."""


class Clusters(_Settings, frozen=True, kw_only=True):
    """Where clusters come from, and how declared ones are reached."""

    source: Annotated[Literal["repo", "parent"], Meta(description="Declared in the repo, or read from a parent.")] = (
        msgspec.field(name="from", default="repo")
    )
    parent: Access | None = None
    access: Mapping[str, Access] = {}
    """By cluster name, for clusters that the repo declares. With `from: parent` the hub's Secrets are used."""


class StatusTo(_Settings, frozen=True, kw_only=True):
    """Where status goes."""

    branch: str = "reconciler-status"
    repo: str | None = None
    """URL or path of the repo that holds the status branch; the fleet repo itself when absent."""


class Signatures(_Settings, frozen=True, kw_only=True):
    """Commits must be signed by one of these keys; empty trusts every commit that the remote serves."""

    ssh: tuple[str, ...] = ()
    """Public keys in `authorized_keys` form: `ssh-ed25519 AAAA… name@host`."""
    gpg: tuple[str, ...] = ()
    """ASCII-armoured public keys."""


class InventoryAt(_Settings, frozen=True, kw_only=True):
    """Where the inventory is kept on a cluster."""

    namespace: str = "reconciler-system"


class Settings(_Settings, frozen=True, kw_only=True):
    """The whole of `fleet.yaml`."""

    fleet: FleetId
    """The fleet's id: part of the field manager, inventory and status, so that two fleets never prune each other."""
    roots: tuple[str, ...] = (".",)
    """Directories that are read, relative to the root of the repo."""
    ignore: tuple[str, ...] = (".github/**", ".gitlab/**", ".gitlab-ci.yml")
    """Glob patterns of paths that are not read; `**` spans directories."""
    delivery: Delivery = Delivery()
    clusters: Clusters = Clusters()
    status: StatusTo = StatusTo()
    signatures: Signatures = Signatures()
    inventory: InventoryAt = InventoryAt()
