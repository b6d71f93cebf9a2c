"""A fleet that is delivered to three clusters, and copies of its repo to do something dangerous in.

One Subscription has ordinary objects everywhere, another one only what takes data along. What is held deletes nothing,
so that all copies stand for what lies on the same clusters; what is there is known by UIDs.
"""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.plugins.fleet import Cluster, Fleet
from tests.program import manifests
from tests.program.fleetrepo import Done, FleetRepo

Body = dict[str, Any]
CONFIGS = tuple("abcd")
WEB, DATA, CLUSTERS, SETTINGS = "apps/web.yaml", "apps/data.yaml", "clusters.yaml", "fleet.yaml"
BUDGETS = {"perCluster": {"objects": 3, "percent": 10}, "perFleet": {"objects": 5, "percent": 10}}


class Copy(FleetRepo):
    """A copy of a fleet repo, of its remote and of what runs remember."""

    def __post_init__(self) -> None:
        """Everything is there."""

    def text(self, path: str) -> str:
        return (self.work / path).read_text()

    def push_as_it_is(self, *force: str) -> None:
        """Commit what lies in the index, and push it."""
        self.git("commit", "--quiet", "--message", "Something else")
        self.git("push", "--quiet", *force, "origin", "HEAD:main")


@dataclass
class World:
    """Names are those of one fleet; `home` holds inventories and ConfigMaps, and is there before."""

    fleet: Fleet
    top: Path
    home: str = field(default_factory=lambda: f"danger-{secrets.token_hex(4)}")
    copies: int = 0

    @property
    def id(self) -> str:
        return self.home

    @property
    def group(self) -> str:
        return f"{self.home}.example.com"

    @property
    def names(self) -> list[str]:
        return [child.context for child in self.fleet.children]

    def web(self, *names: str) -> list[Body]:
        """ConfigMaps, and the Subscription of all that are there."""
        made = [manifests.config_map(self.home, name, "1") for name in names]
        return [*made, manifests.subscription("web", made)]

    def precious(self) -> list[Body]:
        """One of each kind that takes data along."""
        size = {"storage": "1Mi"}
        claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": size}, "storageClassName": "none"}
        volume = {"capacity": size, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/tmp"}}
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
        names = {"kind": "Relic", "plural": "relics", "singular": "relic", "listKind": "RelicList"}
        definition = {"group": self.group, "names": names, "scope": "Namespaced", "versions": [version]}
        return [
            manifests.namespace(f"{self.home}-data"),
            _object("v1", "PersistentVolumeClaim", claim, name="claim", namespace=self.home),
            _object("v1", "PersistentVolume", {**volume, "storageClassName": "none"}, name=self.home),
            _object("apiextensions.k8s.io/v1", "CustomResourceDefinition", definition, name=f"relics.{self.group}"),
        ]

    def data(self) -> list[Body]:
        """What is precious, and its Subscription to the first cluster."""
        made = self.precious()
        subscription = manifests.subscription("data", made)
        subscription["spec"]["subscribers"] = [{"clusterAffinity": {"matchLabels": {"cluster": self.names[0]}}}]
        return [*made, subscription]

    def settings(self, **more: Any) -> Body:
        access = {name: {"context": name} for name in self.names}
        given = {"inventory": {"namespace": self.home}, "prune": BUDGETS, **more}
        return {**manifests.settings(self.id, access), **given}

    def build(self) -> None:
        """Deliver everything, and what somebody else puts beside it."""
        for child in self.fleet.children:
            child.api.apply(f"/api/v1/namespaces/{self.home}", manifests.namespace(self.home))
        repo = FleetRepo(self.top / "seed")
        repo.git("remote", "set-url", "origin", "../remote.git")
        repo.env["KUBECONFIG"] = str(self.fleet.kubeconfig)
        repo.commit(
            {
                SETTINGS: self.settings(),
                CLUSTERS: manifests.clusters(self.id, self.names),
                WEB: self.web(*CONFIGS),
                DATA: self.data(),
            }
        )
        repo.sync("--no-wait")
        first = self.fleet.children[0].api
        relic = _object(f"{self.group}/v1", "Relic", {}, name="theirs", namespace=self.home)
        first.apply(f"/apis/{self.group}/v1/namespaces/{self.home}/relics/theirs", relic)
        inside = manifests.config_map(f"{self.home}-data", "theirs", "1")
        first.apply(f"/api/v1/namespaces/{self.home}-data/configmaps/theirs", inside)

    def copy(self) -> Copy:
        """A copy of the repo as it was delivered."""
        self.copies += 1
        top = self.top / f"copy-{self.copies}"
        shutil.copytree(self.top / "seed", top, symlinks=True)
        return Copy(top, {"KUBECONFIG": str(self.fleet.kubeconfig)})

    def live(self) -> dict[str, str]:
        """UID of every object that is there and stays, by cluster, collection and name."""
        found = {}
        for child in self.fleet.children:
            for path in self._collections(child):
                status, answer = child.api.request("GET", path)
                assert status in (200, 404), answer
                for item in answer.get("items", [answer] if status == 200 else []):
                    metadata = item["metadata"]
                    if "deletionTimestamp" not in metadata:
                        found[f"{child.name} {path} {metadata['name']}"] = metadata["uid"]
        return found

    def _collections(self, child: Cluster) -> list[str]:
        configs = [f"/api/v1/namespaces/{self.home}/configmaps"]
        if child is not self.fleet.children[0]:
            return configs
        return [
            *configs,
            f"/api/v1/namespaces/{self.home}/persistentvolumeclaims",
            f"/api/v1/namespaces/{self.home}-data",
            f"/api/v1/namespaces/{self.home}-data/configmaps",
            f"/api/v1/persistentvolumes/{self.home}",
            f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/relics.{self.group}",
            f"/apis/{self.group}/v1/namespaces/{self.home}/relics",
        ]

    def inventory(self, subscription: str, child: Cluster) -> tuple[str, Body]:
        """The path and the body of an inventory."""
        items = child.api.get(f"/api/v1/namespaces/{self.home}/configmaps")["items"]
        marks = "reconciler.clusternet.io/subscription"
        (found,) = (one for one in items if (one["metadata"].get("annotations") or {}).get(marks) == subscription)
        return f"/api/v1/namespaces/{self.home}/configmaps/{found['metadata']['name']}", found

    def remove(self) -> None:
        first = self.fleet.children[0].api
        first.delete(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/relics.{self.group}")
        first.delete(f"/api/v1/persistentvolumes/{self.home}")
        first.delete(f"/api/v1/namespaces/{self.home}-data")
        for child in self.fleet.children:
            child.api.delete(f"/api/v1/namespaces/{self.home}")


def sync(repo: FleetRepo, *options: str) -> Done:
    """One run, whatever comes of it."""
    return repo.run("sync", "--once", "--no-wait", *options)


def _object(api_version: str, kind: str, spec: Body, **metadata: str) -> Body:
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
