"""Where the programs are that a run needs: helm, kubectl, sops and their like.

What the environment names (`RECONCILER_HELM`) comes first, then PATH, then what `hack/fleet binaries` has built into
the cache. A program that is nowhere is told once, with how to get it.
"""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from reconciler.model.errors import ToolFailed

_PASSED = ("HOME", "LANG", "LC_ALL", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR", "TZ", "XDG_RUNTIME_DIR")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


def find(name: str, environment: Mapping[str, str]) -> Path:
    """The program of this name; ToolFailed `no-program` with how to get it."""
    variable = f"RECONCILER_{name.upper().replace('-', '_')}"
    named = environment.get(variable)
    found = shutil.which(named or name, path=environment.get("PATH", "/usr/local/bin:/usr/bin:/bin"))
    if found is not None:
        return Path(found).absolute()
    if named:
        raise ToolFailed("no-program", f"{variable} names {named}, which cannot be run", f"correct {variable}")
    built = _built(name, environment)
    if built is None:
        hint = f"install {name} into PATH, let {variable} name it, or build it with `hack/fleet binaries {name}`"
        raise ToolFailed("no-program", f"{name} is not installed", hint)
    return built


def passed(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of the environment that every program may see: no credentials of others, no settings of its own."""
    proxies = [*_PROXIES, *(name.lower() for name in _PROXIES)]
    return {name: environment[name] for name in (*_PASSED, *proxies) if name in environment}


def _built(name: str, environment: Mapping[str, str]) -> Path | None:
    """The newest one that the build of the local fleet has made."""
    cache = environment.get("XDG_CACHE_HOME") or f"{environment.get('HOME', '')}/.cache"
    shape = re.compile(rf"{re.escape(name)}-v([\d.]+)-\w+-\w+")
    versions = []
    for directory in Path(cache, "reconciler", "bin").glob(f"{name}-v*"):
        found = shape.fullmatch(directory.name)
        if found and shutil.which(directory / name):
            versions.append(([int(part) for part in found[1].split(".") if part], directory / name))
    return max(versions)[1] if versions else None
