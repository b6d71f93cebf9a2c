"""A proxy in front of a real API server that misbehaves on command; everything behind it is real.

It ends TLS with a certificate of the cluster's own authority. A request with a bearer token goes on with it; any other
becomes the administrator's, because a client certificate cannot pass through a proxy that ends TLS. Faults can be
changed at any time, from any thread; a change holds for requests that arrive after it. Upgraded connections (exec,
port-forward) do not pass.
"""

from __future__ import annotations

import random
import re
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from tests.plugins.fleet import Cluster
from tests.plugins.proxy_credentials import write_kubeconfig
from tests.plugins.proxy_server import ProxyServer


@dataclass(frozen=True)
class Fault:
    """What happens to requests that match; the first fault that matches a request decides.

    method, path: regular expressions for the whole method, and for some part of path and query.
    count: how many requests it strikes, None for all. probability: of striking a matching request.
    delay: seconds before anything else happens. status: the proxy answers so itself, with retry_after seconds; body is
    what it says then instead of an API server's Status. work_first: the server does its work all the same.
    stall: seconds for which the answer of the server is kept back.
    cut_request: the connection is reset before the server sees the request.
    cut_answer_after: it is reset after so many bytes of the answer's body, the server having done its work; with 0 not
    even the answer's head arrives. bytes_per_second: how fast the answer flows, 0 for unthrottled.
    """

    method: str = ".*"
    path: str = ""
    count: int | None = None
    probability: float = 1
    delay: float = 0
    status: int | None = None
    retry_after: int | None = None
    body: str | None = None
    work_first: bool = False
    stall: float = 0
    cut_request: bool = False
    cut_answer_after: int | None = None
    bytes_per_second: int = 0

    def matches(self, method: str, path: str) -> bool:
        return re.fullmatch(self.method, method) is not None and re.search(self.path, path) is not None


class Arrival(NamedTuple):
    """When a request arrived, on the monotonic clock."""

    at: float
    method: str
    path: str


class Faults:
    """The faults in force and the requests counted; shared between the tests' threads and the proxy's."""

    def __init__(self, seed: int) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(seed)
        self._faults: tuple[Fault, ...] = ()
        self._struck: Counter[int] = Counter()
        self._arrivals: list[Arrival] = []

    def replace(self, faults: tuple[Fault, ...]) -> None:
        with self._lock:
            self._faults = faults
            self._struck.clear()

    def decide(self, method: str, path: str) -> Fault:
        """Count the request and say what happens to it; a `Fault()` without effect if nothing does."""
        with self._lock:
            self._arrivals.append(Arrival(time.monotonic(), method, path))
            for number, fault in enumerate(self._faults):
                spent = fault.count is not None and self._struck[number] >= fault.count
                if not spent and fault.matches(method, path) and self._random.random() < fault.probability:
                    self._struck[number] += 1
                    return fault
        return Fault()

    def arrivals(self) -> list[Arrival]:
        with self._lock:
            return list(self._arrivals)


class FaultProxy:
    """A proxy for one cluster, in a thread of its own; use it as a context manager.

    `server`, `ca_file` and `kubeconfig` (the cluster's own context name) lead through it.
    """

    def __init__(self, cluster: Cluster, seed: int = 0) -> None:
        self.cluster = cluster
        self.ca_file = cluster.ca_file
        self._faults = Faults(seed)
        self._scratch = tempfile.TemporaryDirectory(prefix="fault-proxy-")
        self._server = ProxyServer(cluster, Path(self._scratch.name), self._faults.decide)

    def __enter__(self) -> Self:
        self._server.start()
        write_kubeconfig(self.cluster, self.server, self.kubeconfig)
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.stop()
        self._scratch.cleanup()

    @property
    def server(self) -> str:
        return f"https://127.0.0.1:{self._server.port}"

    @property
    def kubeconfig(self) -> Path:
        return Path(self._scratch.name) / "kubeconfig"

    def inject(self, *faults: Fault) -> None:
        """Replace all faults by these; none at all heals everything."""
        self._faults.replace(faults)

    @contextmanager
    def injected(self, *faults: Fault) -> Iterator[None]:
        """These faults for a while, then none."""
        self.inject(*faults)
        try:
            yield
        finally:
            self.inject()

    def refuse(self) -> None:
        """Be as dead as a server that is gone: open connections are reset, new ones refused, until `accept`."""
        self._server.refuse()

    def accept(self) -> None:
        """Listen again, on the same port."""
        self._server.accept()

    def reset_connections(self) -> int:
        """Cut every connection that is open now, idle and watching ones included; how many there were."""
        return self._server.reset_connections()

    def count(self, method: str = ".*", path: str = "") -> int:
        """How many requests with such a method and path have arrived so far."""
        return len(self.arrivals(method, path))

    def wait_for(self, method: str, path: str, count: int = 1, within: float = 30) -> None:
        """Return when so many requests with such a method and path have arrived."""
        deadline = time.monotonic() + within
        while self.count(method, path) < count:
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {within} s: {count} times {method} {path}")
            threading.Event().wait(0.01)

    def arrivals(self, method: str = ".*", path: str = "") -> list[Arrival]:
        """Requests with such a method and path so far, in their order."""
        wanted = Fault(method, path)
        return [one for one in self._faults.arrivals() if wanted.matches(one.method, one.path)]

    def requests(self) -> Counter[tuple[str, str]]:
        """Every request so far: (method, path with query) -> how often."""
        return Counter((one.method, one.path) for one in self._faults.arrivals())
