"""Where the control planes come from: kind, programs that are here already, or a build; the first that works."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from localfleet.building import build
from localfleet.failures import UsageError
from localfleet.programs import CONTROL_PLANE, NODE_PROGRAMS, PROGRAMS
from localfleet.progress import say

_SAME_VERSION = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")


class Provider(StrEnum):
    KIND = "kind"
    BINARIES = "binaries"
    BUILD = "build"


@dataclass(frozen=True)
class Choice:
    """A provider and why it was taken, the reasons against those before it included."""

    provider: Provider
    why: str


@dataclass(frozen=True)
class Refusal:
    """Why a source cannot serve."""

    why: str


Programs = Mapping[str, Path]


def choose(needed: Iterable[str], versions: Mapping[str, str], wanted: Provider | None = None) -> Choice:
    """The wanted provider, or the first that works; `UsageError` if none does."""
    names = tuple(needed)
    checks: dict[Provider, Callable[[], str | Refusal]] = {
        Provider.KIND: kind_works,
        Provider.BINARIES: lambda: _binaries_work(names, versions),
        Provider.BUILD: lambda: _build_works(names, versions),
    }
    against: list[str] = []
    for provider in [wanted] if wanted else list(Provider):
        answer = checks[provider]()
        if isinstance(answer, str):
            return Choice(provider, "; ".join([answer, *against]))
        against.append(f"not {provider}: {answer.why}")
    raise UsageError(f"no control planes can be had here: {'; '.join(against)}")


def kind_works() -> str | Refusal:
    """kind in PATH and a Docker or Podman engine that answers."""
    if shutil.which("kind") is None:
        return Refusal("there is no kind in PATH")
    for engine in ("docker", "podman"):
        if shutil.which(engine) and _answers([engine, "info"]):
            return f"kind is in PATH and {engine} answers"
    return Refusal("neither a Docker nor a Podman engine answers")


def needed_programs(*, with_nodes: bool) -> tuple[str, ...]:
    """What control planes need, and what pods on simulated nodes need besides."""
    return CONTROL_PLANE + NODE_PROGRAMS if with_nodes else CONTROL_PLANE


def present(needed: Iterable[str], versions: Mapping[str, str]) -> tuple[Programs, str] | Refusal:
    """The needed programs without building any, and where they are; programs of one release come from one place."""
    names = tuple(needed)
    installed = _installed(names)
    if not isinstance(installed, Refusal) and not versions:
        return installed, "found in KUBEBUILDER_ASSETS or PATH"
    cached = {name: PROGRAMS[name].cached(version_of(name, versions)) for name in names}
    missing = [name for name, path in cached.items() if not path.exists()]
    if not missing:
        return cached, "found in the cache of earlier builds"
    elsewhere = installed.why if isinstance(installed, Refusal) else "other versions are asked for"
    return Refusal(f"KUBEBUILDER_ASSETS and PATH: {elsewhere}; the cache lacks {', '.join(missing)}")


def obtain(needed: Iterable[str], versions: Mapping[str, str], provider: Provider) -> Programs:
    """Every needed program; what is neither here nor cached is built now, in the order in which it is needed."""
    names = tuple(needed)
    if provider is Provider.BINARIES:
        found = present(names, versions)
        if not isinstance(found, Refusal):
            return found[0]
        say(f"the programs of this fleet are gone ({found.why})")
    return {name: build(PROGRAMS[name], version_of(name, versions)) for name in names}


def version_of(name: str, versions: Mapping[str, str]) -> str:
    """The version asked for a program's family, or the pinned one."""
    program = PROGRAMS[name]
    return versions.get(program.family, program.pinned)


def _build_works(names: tuple[str, ...], versions: Mapping[str, str]) -> str | Refusal:
    missing = [name for name in names if not PROGRAMS[name].cached(version_of(name, versions)).exists()]
    if missing and shutil.which("go") is None:
        return Refusal(f"there is no Go in PATH to build {', '.join(missing)} with")
    return f"to be built from pinned Go modules: {', '.join(missing) or 'nothing'}"


def _binaries_work(names: tuple[str, ...], versions: Mapping[str, str]) -> str | Refusal:
    found = present(names, versions)
    return found if isinstance(found, Refusal) else found[1]


def _installed(names: tuple[str, ...]) -> Programs | Refusal:
    assets = os.environ.get("KUBEBUILDER_ASSETS", "")
    search = os.pathsep.join(filter(None, [assets, os.environ.get("PATH", "")]))
    found = {name: shutil.which(name, path=search) for name in names}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        return Refusal(f"no {', '.join(missing)} there")
    paths = {name: Path(path) for name, path in found.items() if path}
    releases = {name: _release(paths[name]) for name in names if name in _SAME_VERSION}
    if len(set(releases.values())) > 1:
        told = ", ".join(f"{name} {release}" for name, release in releases.items())
        return Refusal(f"the control plane is of several releases ({told})")
    return paths


def _release(program: Path) -> str:
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"v\d+\.\d+", shown)
    return found[0] if found else "of unknown version"


def _answers(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
