"""How soon we notice that Deployments are ready, against a bare watch in the same process.

    python -m bench.noticing KUBECONFIG CONTEXT NAMESPACE COUNT

Makes that many Deployments without replicas, 12 at once; the cluster's own controller makes them ready. For each there
is a wait of ours, all over one stream, as that of a delivery. Prints the median and the greatest lag behind a watch
that does nothing but decode its events, in seconds, as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp

from bench import workload
from bench.bare import IN_FLIGHT, cluster
from reconciler.adapters.kube.client import Client, connect
from reconciler.adapters.kube.kubeconfig import resolve
from reconciler.apply.wait import Watches
from reconciler.apply.write import Pending
from reconciler.model.objects import ObjectKey
from reconciler.model.settings import Access
from reconciler.model.status import Health
from reconciler.planning.health import Assessor

LONGEST = 180.0
Times = dict[str, float]


def _is_ready(deployment: dict[str, Any]) -> bool:
    status = deployment.get("status") or {}
    seen = status.get("observedGeneration") == deployment["metadata"].get("generation")
    available = any(c["type"] == "Available" and c["status"] == "True" for c in status.get("conditions") or ())
    return seen and available


async def _bare(kubeconfig: Path, path: str, count: int, opened: asyncio.Event, seen: Times) -> None:
    """When each Deployment is ready, by the events of one watch."""
    server, tls = cluster(kubeconfig)
    clock = asyncio.get_running_loop().time
    async with aiohttp.ClientSession(server, connector=aiohttp.TCPConnector(ssl=tls), read_bufsize=1 << 20) as session:
        async with session.get(path) as listing:
            version = (await listing.json())["metadata"]["resourceVersion"]
        async with session.get(f"{path}?watch=1&resourceVersion={version}") as events:
            opened.set()
            async for line in events.content:
                deployment = json.loads(line)["object"]
                if _is_ready(deployment) and deployment["metadata"]["name"] not in seen:
                    seen[deployment["metadata"]["name"]] = clock()
                    if len(seen) == count:
                        return


async def _ours(client: Client, path: str, namespace: str, bodies: Sequence[dict[str, Any]], seen: Times) -> None:
    """The same by our own waits, each begun when its Deployment is written."""
    watches, slots, loop = Watches(client, Assessor()), asyncio.Semaphore(IN_FLIGHT), asyncio.get_running_loop()

    async def one(body: dict[str, Any]) -> None:
        name = body["metadata"]["name"]
        async with slots:
            live = await client.create(path, body, "bench")
        key = ObjectKey("apps", "Deployment", namespace, name)
        pending = Pending(key, path, Health.PROGRESSING, "", live["metadata"]["resourceVersion"])
        told = await watches.ready([pending], loop.time() + LONGEST)
        if told[key].health is not Health.CURRENT:
            raise SystemExit(f"{key}: {told[key].message}")
        seen[name] = loop.time()

    async with asyncio.TaskGroup() as group:
        for body in bodies:
            group.create_task(one(body))


async def run(kubeconfig: Path, context: str, namespace: str, count: int) -> list[float]:
    """Seconds that we lag behind the bare watch, for each Deployment."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    deployments = [body for body in workload.objects(namespace, [0] * 3 * count) if body["kind"] == "Deployment"]
    connection = resolve(Access(context=context), {"KUBECONFIG": str(kubeconfig)}, Path.home())
    opened, bare, ours = asyncio.Event(), Times(), Times()
    async with connect(connection) as client, asyncio.timeout(LONGEST), asyncio.TaskGroup() as group:
        await client.create("/api/v1/namespaces", workload.namespace_of(namespace), "bench")
        group.create_task(_bare(kubeconfig, path, count, opened, bare))
        await opened.wait()
        await _ours(client, path, namespace, deployments, ours)
    return [ours[name] - bare[name] for name in bare]


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.noticing", description=__doc__.partition("\n")[0])
    parser.add_argument("kubeconfig", type=Path)
    parser.add_argument("context")
    parser.add_argument("namespace")
    parser.add_argument("count", type=int)
    given = parser.parse_args(arguments)
    lags = asyncio.run(run(given.kubeconfig, given.context, given.namespace, given.count))
    print(json.dumps({"lag_s": statistics.median(lags), "greatest_lag_s": max(lags)}))


if __name__ == "__main__":
    main(sys.argv[1:])
