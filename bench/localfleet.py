"""The local fleet that scenarios with real clusters run on: `hack/fleet`, under a name of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HACK = Path(__file__).resolve().parents[1] / "hack"
NAME = "bench"


@dataclass(frozen=True)
class Child:
    """One child cluster; `kubeconfig` has the single context `context`."""

    name: str
    context: str
    server: str
    kubeconfig: Path
    pki: Path


@dataclass(frozen=True)
class Fleet:
    """Three children and the kubeconfig with the contexts of all."""

    kubeconfig: Path
    children: tuple[Child, ...]


@contextmanager
def fleet(scratch: Path) -> Iterator[Fleet]:
    """Three children without simulated nodes; gone afterwards."""
    up = ["up", "--name", NAME, "--children", "3", "--nodes", "0", "--kubeconfig", str(scratch / "kubeconfig")]
    try:
        status = json.loads(_hack_fleet(*up, "-o", "json"))
        clusters = [
            Child(c["name"], c["context"], c["server"], Path(c["kubeconfig"]), Path(c["pki"]))
            for c in status["clusters"]
        ]
        yield Fleet(Path(status["kubeconfig"]), tuple(clusters[1:]))
    finally:
        _hack_fleet("delete", "--name", NAME)


def kubectl() -> str:
    """The path of the fleet's own kubectl."""
    return _hack_fleet("binaries", "kubectl").split()[-1]


def _hack_fleet(*arguments: str) -> str:
    return subprocess.run([str(HACK / "fleet"), *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def program(name: str) -> str:
    """Path of a program, built first where it is not there."""
    return _hack_fleet("binaries", name).split()[-1]
