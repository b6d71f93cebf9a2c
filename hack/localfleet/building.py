"""Building programs from Go modules into the cache; safe when several processes want the same one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from localfleet.failures import FleetError
from localfleet.locks import locked
from localfleet.paths import BUILD_MODULES
from localfleet.programs import Program
from localfleet.progress import doing


def build(program: Program, version: str) -> Path:
    """The cached program, built first if need be; raises `FleetError` with the compiler's last words."""
    target = program.cached(version)
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with locked(target.parent / ".lock", remove=False):
        if not target.exists():
            _remove_killed_builds(target.parent)
            minutes = f"about {program.minutes:g} min on two cores, once"
            with doing(f"building {program.name} {version} from its Go module, for it is not cached ({minutes})"):
                _compile(program, version, target)
    return target


def _remove_killed_builds(directory: Path) -> None:
    for leftover in directory.glob(".build-*"):
        shutil.rmtree(leftover)


def build_command(program: Program, version: str, output: Path) -> list[str]:
    """The one command that makes the program, run in the family's module directory."""
    flags = ["-trimpath", "-buildvcs=false", "-ldflags", program.ldflags(version), "-o", str(output)]
    return ["go", "build", *flags, program.package]


def _compile(program: Program, version: str, target: Path) -> None:
    if shutil.which("go") is None:
        raise FleetError(
            f"{program.name} {version} is not here and cannot be built: there is no Go. Install Go 1.26 or newer, "
            "or kind with a Docker engine, or put the Kubernetes programs into PATH"
        )
    with tempfile.TemporaryDirectory(prefix=".build-", dir=target.parent) as scratch:
        module = BUILD_MODULES / program.family
        if version != program.pinned:
            module = _module_of_version(program, version, Path(scratch) / "module")
        draft = Path(scratch) / program.name
        _go(build_command(program, version, draft), module)
        draft.rename(target)


def _module_of_version(program: Program, version: str, directory: Path) -> Path:
    """A module that asks for a version other than the pinned one; its sums come from Go's checksum database."""
    directory.mkdir()
    replaced = staging_replacements(_go_mod_of(program, version), version) if program.family == "kubernetes" else []
    go_mod = ["module reconciler.local/hack/build/other", "", "go 1.26.0", "", *replaced]
    (directory / "go.mod").write_text("\n".join(go_mod) + "\n")
    _go(["go", "get", "-tool", f"{program.package}@{version}"], directory)
    return directory


def staging_replacements(go_mod: str, version: str) -> list[str]:
    """A `replace` line with the published version for every module that Kubernetes takes from its own repository."""
    published = version.replace("v1.", "v0.", 1)
    modules = re.findall(r"^\s*(?:replace )?(k8s\.io/\S+) => \./staging/", go_mod, re.MULTILINE)
    return [f"replace {module} => {module} {published}" for module in modules]


def _go_mod_of(program: Program, version: str) -> str:
    shown = _go(["go", "mod", "download", "-json", f"{program.module}@{version}"], BUILD_MODULES / program.family)
    return Path(json.loads(shown)["GoMod"]).read_text()


def _go(command: list[str], directory: Path) -> str:
    env = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
    done = subprocess.run(command, cwd=directory, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FleetError(f"`{' '.join(command[:2])}` failed in {directory}:\n{done.stderr[-2000:]}")
    return done.stdout
