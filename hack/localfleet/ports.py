"""Ports of a fleet: chosen once, kept for its life, never given to two fleets of one user."""

from __future__ import annotations

import errno
import json
import random
import socket
from collections.abc import Iterable
from pathlib import Path

from localfleet.failures import FleetError

# Below the ports that systems hand out by themselves (32768+, 49152+) and beside Kubernetes' node ports (30000-32767).
PORT_RANGE = range(21000, 29000)


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of the loopback address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
        return True


def is_served(port: int) -> bool:
    """Whether somebody accepts connections on `port` of the loopback address."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def reserved(fleets: Path) -> set[int]:
    """Every port that a fleet's state file holds, whether the fleet runs or not."""
    ports: set[int] = set()
    for state in fleets.glob("*/fleet.json"):
        try:
            clusters = json.loads(state.read_text())["clusters"]
        except (OSError, ValueError, KeyError):
            continue
        ports |= {port for cluster in clusters for port in cluster["ports"].values()}
    return ports


def choose(count: int, taken: Iterable[int]) -> list[int]:
    """`count` free ports outside `taken`; the caller holds the lock under which they are written down."""
    candidates = sorted(set(PORT_RANGE) - set(taken))
    random.shuffle(candidates)
    chosen: list[int] = []
    for port in candidates:
        if len(chosen) == count:
            break
        if is_free(port):
            chosen.append(port)
    if len(chosen) < count:
        raise FleetError(f"fewer than {count} free ports between {PORT_RANGE.start} and {PORT_RANGE.stop}")
    return chosen
