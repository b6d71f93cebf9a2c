"""The door to kustomize: `kustomize build`, or `kubectl kustomize`, over files that are written out for it alone.

It sees a private directory with the files of the question and nothing else: no home, no plugins, no helm, and no
network unless the question allows it. Bounded in time and size. What it says is told in our words, because its own hold
pieces of the objects that it works on.
"""

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from reconciler.adapters import processes
from reconciler.adapters.files import Directory
from reconciler.adapters.tools import programs
from reconciler.model.errors import ToolFailed
from reconciler.model.inflation import Fault

DEADLINE: Final = 60.0
"""Seconds for one build."""
LIMIT: Final = 32 << 20
"""Bytes that one build may give."""
_NOWHERE: Final = "http://127.0.0.1:9"
"""The discard port: whoever is sent there as to a proxy reaches nothing."""
_FAILED: Final = "kustomization-failed"

_WORDS: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r'unknown field "(\w+)"', 'unknown field "{0}"'),
        (
            r"cannot unmarshal (\w+) into Go struct field [\w.]*?(\w+) of type",
            "`{1}` has the wrong type ({0})",
        ),
        (r"yaml: line (\d+): [^`]* in File: ([\w./-]+)", "'{1}' is not YAML, near line {0}"),
        (
            r'mapping key "([\w./-]+)" already defined at line (\d+)',
            "the key '{0}' stands twice in a mapping, line {1}",
        ),
        (r"cycle detected", "kustomizations name each other in a circle"),
        (r"Found multiple kustomization files", "there are two kustomization files in one directory"),
        (r"kustomization\.ya?ml is empty", "the kustomization says nothing"),
        (r"kind should be Kustomization or Component", "`kind` must be Kustomization, or Component below `components`"),
        (r"expected kind 'Component' for path", "`components` names what is not of kind Component"),
        (r"must specify --enable-helm", "it wants to run helm, which is not done here"),
        (
            r"unable to load external plugin '([\w.-]+)'",
            "a {0} is no plugin of kustomize's own, and others are not run",
        ),
        (r"missing metadata\.name in object", "an object has no metadata.name"),
        (r"missing Resource metadata|Object 'Kind' is missing", "one of `resources` holds what is no object"),
        (r"already registered id: ([^'\s]+)", "{0} is there twice; give the overlays prefixes, or name it once"),
        (r"no resource matches strategic merge patch \"([^\"\s]+)\"", "no object is there for the patch of {0}"),
        (r"failed to find unique target for patch ([^'\s]+)", "the patch of {0} fits no object, or several"),
        (r"unable to parse SM or JSON patch", "a patch is neither an object nor a JSON patch that fits"),
        (r"(?:missing|doc is missing) (?:path|key): ([\w./~-]+)", "a JSON patch touches {0}, which is not there"),
        (r"resource with name ([\w.-]+) does not match a config", "`replicas` names {0}, and no object has that name"),
        (r"must specify a source and at least one target", "a replacement needs a source and a target"),
        (r"nothing selected by ([^'\s]+)", "the source of a replacement, {0}, is not there"),
        (r'unable to find field "([\w./-]+)" in replacement target', "a replacement goes to {0}, which is not there"),
        (r"ID conflict", "two objects become one by the namespace that is set"),
        (r"invalid literal source", "an entry of `literals` is not key=value"),
        (r"illegally repeats the key", "a generator has the same key twice"),
        (r"security; file '[^']*/([\w.-]+)' is not in or below", "'{0}' lies outside of the directory that names it"),
        (r"evalsymlink failure on '[^']*?([\w./-]+)'", "'{0}' is not there"),
    )
)


async def build(
    directory: str, files: Mapping[str, bytes], environment: Mapping[str, str], *, remote: bool = False
) -> bytes | Fault:
    """The objects of a kustomization as YAML documents, or why there are none.

    `files` are all that it may read, by path; `directory` is one of their directories. `remote` opens the network.
    """
    try:
        program, arguments = _program(environment)
        with tempfile.TemporaryDirectory(prefix="reconciler-kustomize-") as name:
            root = Path(name, "repo")
            out = Directory(root)
            for path, content in files.items():
                out.write(path, content)
            call = processes.Call(
                program,
                [*arguments, str(root / directory)],
                environment=_environment(environment, name, remote=remote),
                at=root,
                deadline=DEADLINE,
                limit=LIMIT,
            )
            ended = await processes.run(call)
    except ToolFailed as error:
        return Fault(_FAILED, error.message, error.hint)
    if ended.status != 0:
        return Fault(_FAILED, words(ended.stderr.replace(f"{root}/", "")))
    return ended.stdout


def words(said: str) -> str:
    """What kustomize complains of, in words that hold names and paths, never values."""
    for pattern, ours in _WORDS:
        found = pattern.search(said)
        if found:
            return ours.format(*found.groups())
    return "it fails for a reason that cannot be told here, because its words may hold values"


def _program(environment: Mapping[str, str]) -> tuple[Path, list[str]]:
    try:
        return programs.find("kustomize", environment), ["build"]
    except ToolFailed:
        return programs.find("kubectl", environment), ["kustomize"]


def _environment(environment: Mapping[str, str], home: str, *, remote: bool) -> dict[str, str]:
    closed = {"GIT_TERMINAL_PROMPT": "0", "KUBERC": "off"}
    if remote:
        return {**programs.passed(environment), **closed}
    proxies = {
        name: _NOWHERE for scheme in ("http", "https") for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY")
    }
    return {"HOME": home, "PATH": home, "TMPDIR": home, **proxies, **closed}
