"""A place on a real cluster to deliver to: short words for feeds, deliveries and what came of them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.adapters.kube.client import connect
from reconciler.adapters.kube.connection import Connection
from reconciler.adapters.kube.kubeconfig import resolve
from reconciler.apply import inventory as inventories
from reconciler.apply.deliver import Decide, Report, deliver_over, nothing
from reconciler.apply.options import Event, Options
from reconciler.model.clusters import ClusterFacts
from reconciler.model.feed import RenderedFeed, RenderedObject, Unit
from reconciler.model.inventory import Inventory
from reconciler.model.objects import CommitId, digest_of, key_of
from reconciler.model.plan import Evidence, Work
from reconciler.model.settings import Access
from reconciler.model.status import Delivered, Outcome
from tests.plugins.fleet import Cluster

CLEAN = Evidence(clean=True, subscription_known=True, cluster_known=True, placed=True)
COMMIT = CommitId("c" * 40)
Body = dict[str, Any]


def config(name: str, namespace: str, value: str = "1", **metadata: object) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "data": {"value": value},
    }


def secret(name: str, namespace: str, value: str) -> Body:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"password": value}}


def space(name: str, **metadata: object) -> Body:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, **metadata}}


def deployment(name: str, namespace: str, replicas: int = 1, **template: object) -> Body:
    labels = {"app": name}
    pod = {"containers": [{"name": "main", "image": "nginx:1.28.0"}], **template}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def definition(group: str, kind: str) -> Body:
    plural = kind.lower() + "s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "scope": "Namespaced",
            "versions": [version],
        },
    }


def custom(group: str, kind: str, name: str, namespace: str) -> Body:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": f"{group}/v1", "kind": kind, "metadata": metadata, "spec": {"size": 1}}


def feed_of(unit: Unit, bodies: Sequence[Body]) -> RenderedFeed:
    objects = tuple(RenderedObject(key_of(body), body["apiVersion"], body, digest_of(body)) for body in bodies)
    return RenderedFeed(unit, objects, digest_of([obj.digest for obj in objects]))


async def deliver(
    connection: Connection, facts: ClusterFacts, works: Sequence[Work], how: tuple[Options, Report, Decide]
) -> tuple[Delivered, ...]:
    async with connect(connection) as client:
        return await deliver_over(client, facts, works, *how)


@dataclass
class Place:
    """One unit's view of one cluster. Inventories live in the test's own namespace."""

    cluster: Cluster
    namespace: str
    fleet: str
    kubeconfig: Path
    subscription: str = "default/web"
    events: list[Event] = field(default_factory=list)

    @property
    def facts(self) -> ClusterFacts:
        id_ = str(uuid.uuid5(uuid.NAMESPACE_DNS, self.cluster.name))
        return ClusterFacts(id=id_, namespace=f"clusternet-{self.cluster.name}", name=self.cluster.name)

    @property
    def unit(self) -> Unit:
        return Unit(self.subscription, self.facts.id)

    @property
    def connection(self) -> Connection:
        return resolve(Access(context=self.cluster.context), {"KUBECONFIG": str(self.kubeconfig)}, Path.home())

    def work(self, bodies: Sequence[Body] | None, evidence: Evidence = CLEAN, subscription: str = "") -> Work:
        unit = Unit(subscription or self.subscription, self.facts.id)
        return Work(unit, None if bodies is None else feed_of(unit, bodies), evidence)

    def options(self, **changes: object) -> Options:
        given: Mapping[str, Any] = {"fleet": self.fleet, "commit": COMMIT, "namespace": self.namespace, "timeout": 30.0}
        return Options(**{**given, **changes})

    def deliver(self, bodies: Sequence[Body] | None, evidence: Evidence = CLEAN, **options: object) -> Delivered:
        """Deliver one unit."""
        (done,) = self.deliver_all([self.work(bodies, evidence)], **options)
        return done

    def remove(self, **options: object) -> Delivered:
        """Deliver the unit to be gone; what a guard holds is acknowledged."""
        return self.deliver(None, acknowledging(self.deliver(None, dry_run=True)), **options)

    def deliver_all(self, works: Sequence[Work], decide: Decide = nothing, **options: object) -> tuple[Delivered, ...]:
        how = self.options(**options)
        return asyncio.run(deliver(self.connection, self.facts, works, (how, self.events.append, decide)))

    def inventory(self) -> Inventory | None:
        return self.inventories().get(self.unit)

    def inventories(self) -> dict[Unit, Inventory]:
        async def read() -> dict[Unit, Inventory]:
            async with connect(self.connection) as client:
                return await inventories.read_all(client, self.fleet, self.namespace)

        return asyncio.run(read())

    def live(self, plural: str, name: str, group: str = "api/v1") -> Body | None:
        """The object as the server has it, None when it has none."""
        status, answer = self.cluster.api.request("GET", f"/{group}/namespaces/{self.namespace}/{plural}/{name}")
        return answer if status == 200 else None

    def value(self, name: str) -> str | None:
        live = self.live("configmaps", name)
        return live["data"]["value"] if live else None


def acknowledging(*held: Delivered) -> Evidence:
    """Evidence of a clean repo whose operator has seen what is held."""
    digests = frozenset(one.guard.acknowledge for one in held if one.guard)
    return Evidence(clean=True, subscription_known=True, cluster_known=True, placed=True, acknowledged=digests)


def results(done: Delivered) -> dict[str, str]:
    return {outcome.key.name: outcome.result.value for outcome in done.outcomes}


def outcome(done: Delivered, name: str) -> Outcome:
    return next(one for one in done.outcomes if one.key.name == name)
