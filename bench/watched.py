"""When a change is there, told by the API server itself: a WATCH of one ConfigMap, opened before the change is made.

And when the controllers of a child have seen all Deployments, so that the work that one contender leaves them does not
slow the next one.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from bench.localfleet import Child
from bench.measure import Unexpected

LONGEST = 60.0


class Arrival:
    """Waits for one value of one ConfigMap on several children; `last` is when the last of them had it."""

    def __init__(self, children: Sequence[Child], path: str, value: str) -> None:
        self._path, self._value = path, value
        self._times: list[float] = []
        self._open = threading.Barrier(len(children) + 1)
        self._threads = [threading.Thread(target=self._follow, args=(child,), daemon=True) for child in children]
        for thread in self._threads:
            thread.start()
        self._open.wait(LONGEST)

    def last(self) -> float:
        """The moment (of `time.perf_counter`) at which the last child had the value."""
        for thread in self._threads:
            thread.join(LONGEST)
        if len(self._times) != len(self._threads):
            raise Unexpected(f"{self._path} did not become {self._value!r} everywhere")
        return max(self._times)

    def _follow(self, child: Child) -> None:
        collection, _, name = self._path.rpartition("/")
        version = _get(child, self._path)["metadata"]["resourceVersion"]
        selector = quote(f"metadata.name={name}")
        query = f"{collection}?watch=1&resourceVersion={version}&fieldSelector={selector}"
        connection = _connect(child)
        connection.request("GET", query)
        answer = connection.getresponse()
        self._open.wait(LONGEST)
        for line in answer:
            if json.loads(line)["object"]["data"].get("version") == self._value:
                self._times.append(time.perf_counter())
                break
        connection.close()


def wait_until_observed(child: Child) -> None:
    """Wait until every Deployment of a child has been seen by its controller as it is now."""
    deadline = time.monotonic() + LONGEST
    while not all(map(_is_observed, _get(child, "/apis/apps/v1/deployments?resourceVersion=0")["items"])):
        if time.monotonic() > deadline:
            raise Unexpected(f"the controllers of {child.name} do not come to rest")
        time.sleep(0.3)


def _is_observed(deployment: dict[str, Any]) -> bool:
    return bool(deployment.get("status", {}).get("observedGeneration") == deployment["metadata"]["generation"])


def _connect(child: Child) -> http.client.HTTPSConnection:
    url = urlsplit(child.server)
    trust = ssl.create_default_context(cafile=str(child.pki / "ca.crt"))
    trust.load_cert_chain(child.pki / "admin.crt", child.pki / "admin.key")
    return http.client.HTTPSConnection(url.hostname or "", url.port, context=trust, timeout=LONGEST)


def _get(child: Child, path: str) -> dict[str, Any]:
    connection = _connect(child)
    connection.request("GET", path)
    found: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return found
