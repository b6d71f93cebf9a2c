"""The kinds of a real API server, told at once and one version after the other."""

from __future__ import annotations

import asyncio
from pathlib import Path

from reconciler.adapters.kube import served
from reconciler.adapters.kube.client import connect
from reconciler.adapters.kube.kubeconfig import resolve
from reconciler.model.errors import ApiError
from reconciler.model.objects import Object
from reconciler.model.settings import Access
from tests.plugins.fleet import Cluster, Fleet


def ask(cluster: Cluster) -> tuple[dict[str, bool], dict[str, bool], int]:
    """At once, one by one, and how many requests that took."""

    async def main() -> tuple[dict[str, bool], dict[str, bool], int]:
        how = resolve(Access(context=cluster.context), {"KUBECONFIG": str(cluster.kubeconfig)}, Path.home())
        async with connect(how) as client:
            asked: list[str] = []

            async def plainly(path: str, accept: str) -> Object:
                asked.append(path)
                return await client.get(path)

            return dict(await client.served()), await served.served(plainly), len(asked)

    return asyncio.run(main())


def test_both_ways_tell_the_same(fleet: Fleet) -> None:
    at_once, one_by_one, requests = ask(fleet.children[0])
    assert at_once == one_by_one
    assert requests > 10
    assert list(at_once) == sorted(at_once)
    expected = {"v1/Pod": True, "v1/Node": False, "apps/v1/Deployment": True, "rbac.authorization.k8s.io/v1/Role": True}
    assert expected.items() <= at_once.items()
    assert at_once["apps.clusternet.io/v1alpha1/Globalization"] is False
    lines = fleet.children[0].kubectl("api-resources", "--no-headers").splitlines()
    kubectl = {(row[-3], row[-1]): row[-2] == "true" for row in (line.split() for line in lines)}
    assert {(f"{version}", kind) for version, kind in kubectl} <= {tuple(one.rsplit("/", 1)) for one in at_once}


def test_a_version_whose_server_is_down_hides_no_other() -> None:
    answers: dict[str, Object] = {
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {
            "kind": "APIGroupList",
            "groups": [
                {"versions": [{"groupVersion": "down.example.com/v1"}]},
                {"versions": [{"groupVersion": "apps/v1"}]},
            ],
        },
        "/api/v1": {"resources": [{"name": "pods", "kind": "Pod", "namespaced": True}]},
        "/apis/apps/v1": {
            "resources": [
                {"name": "deployments", "kind": "Deployment", "namespaced": True},
                {"name": "deployments/scale", "kind": "Scale", "namespaced": True},
            ]
        },
    }

    async def get(path: str, accept: str) -> Object:
        if path not in answers:
            raise ApiError(503, "ServiceUnavailable", "the server is currently unable to handle the request")
        return answers[path]

    assert asyncio.run(served.served(get)) == {"apps/v1/Deployment": True, "v1/Pod": True}
