"""The servers' own limit: server-side apply of ready JSON bodies, and nothing else.

    python -m bench.bare DIRECTORY KUBECONFIG...

Every `*.json` file of the directory (one object each, Namespaces first) is applied to the cluster of every kubeconfig,
12 in flight per cluster, over TLS with the client certificate. Prints the seconds from the first write to the last
answer. It plans nothing, records nothing and looks at nothing but the status of an answer.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import ssl
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import yaml

IN_FLIGHT = 12
_PLURALS = {"Namespace": "namespaces", "ConfigMap": "configmaps", "Service": "services", "Deployment": "deployments"}
_QUERY = "?fieldManager=bare&force=true"
_HEADERS = {"Content-Type": "application/apply-patch+yaml", "Accept": "application/json"}

Write = tuple[str, bytes]
"""Path with query, and body."""


def writes(directory: Path) -> tuple[list[Write], list[Write]]:
    """Namespaces, and everything else."""
    first, rest = [], []
    for file in sorted(directory.glob("*.json")):
        content = file.read_bytes()
        body = json.loads(content)
        (first if body["kind"] == "Namespace" else rest).append((_path(body), content))
    return first, rest


def _path(body: dict[str, Any]) -> str:
    version, metadata = body["apiVersion"], body["metadata"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    place = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    return f"{root}{place}/{_PLURALS[body['kind']]}/{metadata['name']}{_QUERY}"


def cluster(kubeconfig: Path) -> tuple[str, ssl.SSLContext]:
    """Address and TLS of the first cluster and user of a kubeconfig that holds its certificates."""
    config = yaml.safe_load(kubeconfig.read_text())
    server, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    context = ssl.create_default_context(cadata=_pem(server, "certificate-authority", kubeconfig).decode())
    with tempfile.NamedTemporaryFile() as file:
        file.write(_pem(user, "client-certificate", kubeconfig) + b"\n" + _pem(user, "client-key", kubeconfig))
        file.flush()
        context.load_cert_chain(file.name)
    return server["server"], context


def _pem(section: dict[str, str], name: str, kubeconfig: Path) -> bytes:
    data = section.get(f"{name}-data")
    return base64.b64decode(data) if data else (kubeconfig.parent / section[name]).read_bytes()


async def load(server: str, tls: ssl.SSLContext, directory: Path) -> None:
    """Apply everything to one cluster."""
    connector = aiohttp.TCPConnector(ssl=tls, limit=IN_FLIGHT)
    async with aiohttp.ClientSession(server, connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        for wave in writes(directory):
            await asyncio.gather(*(_apply(session, path, body) for path, body in wave))


async def _apply(session: aiohttp.ClientSession, path: str, body: bytes) -> None:
    async with session.patch(path, data=body, headers=_HEADERS) as answer:
        said = await answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{path}: {answer.status} {said[:300]!r}")


async def run(directory: Path, kubeconfigs: Sequence[Path]) -> float:
    """Seconds from the first write to the last answer."""
    clusters = [cluster(kubeconfig) for kubeconfig in kubeconfigs]
    began = time.perf_counter()
    await asyncio.gather(*(load(server, tls, directory) for server, tls in clusters))
    return time.perf_counter() - began


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.bare", description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("kubeconfigs", type=Path, nargs="+")
    given = parser.parse_args(arguments)
    print(f"{asyncio.run(run(given.directory, given.kubeconfigs)):.4f}")


if __name__ == "__main__":
    main(sys.argv[1:])
