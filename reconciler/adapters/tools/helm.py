"""How helm is run: rendering, resolving a version range, pulling from a registry, verifying.

helm has a home of its own that lives as long as a run and that only we can read; it sees no kubeconfig, no settings and
no credentials of the user. Values go in on stdin, credentials in files of that home: neither is ever on a command line.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from reconciler.adapters.processes import Call, Ended, run
from reconciler.adapters.tools import helmwords, programs
from reconciler.model.errors import ToolFailed
from reconciler.model.inflation import ChartRender, Fault, Role

LONGEST = 60.0
"""Seconds that one rendering may take."""
LARGEST = 32 << 20
"""Bytes that one rendering may make."""
_MEMORY = 2 << 30
_ARGUMENT = 100_000
"""Bytes of one argument; Linux takes 128 KiB."""
_SOURCE = re.compile(rb"^---\n# Source: (?P<source>[^\n]+)\n", re.MULTILINE)


class Part(msgspec.Struct, frozen=True):
    """What one file of a chart made: YAML text, mostly one document."""

    source: str
    """`web/templates/deployment.yaml`"""
    text: bytes
    definition: bool = False
    """It comes from a `crds` directory."""
    varies: bool = False
    """Rendered a second time it was something else."""


class Failed(Exception):
    """helm said no; the fault says why, without a word that may be a value."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class Helm:
    """helm with a private home; one per run."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        """`environment` is that of the process. Raises ToolFailed `no-program` when there is no helm."""
        self.program = programs.find("helm", environment)
        self.home = home
        self.environment = {
            **programs.passed(environment),
            **{f"XDG_{what}_HOME": str(home / what.lower()) for what in ("CACHE", "CONFIG", "DATA")},
            "HOME": str(home),
            "HELM_PLUGINS": str(home / "plugins"),
            "KUBECONFIG": "/dev/null",
        }

    async def version(self) -> str:
        """What helm says of itself, whole: another build may render something else."""
        ended = await self.call(["version", "--template", "{{ .Version }} {{ .GoVersion }} {{ .KubeClientVersion }}"])
        if ended.status != 0:
            raise ToolFailed("no-program", f"{self.program} does not say its version", "install helm 3.19 or newer")
        return ended.stdout.decode(errors="replace").strip()

    async def template(self, question: ChartRender, chart: Path, files: Mapping[str, bytes]) -> tuple[Part, ...]:
        """The chart at a path rendered; `files` are its files, open.

        Raises Failed, and ToolFailed when helm takes too long or says too much.
        """
        arguments = ["template", question.release, str(chart), "--namespace", question.namespace, "--values", "-"]
        if question.kubernetes:
            arguments += ["--kube-version", question.kubernetes]
        if not question.skip_crds:
            arguments.append("--include-crds")
        arguments += [f"--api-versions={part}" for part in _joined(_versions(question.apis))]
        ended = await self.call(arguments, stdin=question.values, deadline=LONGEST, limit=LARGEST)
        if ended.status != 0:
            raise Failed(helmwords.rendering(ended.stderr, files))
        return tuple(_parts(ended.stdout))

    async def call(
        self,
        arguments: Sequence[str],
        *,
        stdin: bytes = b"",
        deadline: float = LONGEST,
        limit: int = 1 << 20,
        more: Mapping[str, str] | None = None,
    ) -> Ended:
        """Run helm; `more` is laid over its environment."""
        environment = {**self.environment, **(more or {})}
        return await run(Call(self.program, arguments, environment, self.home, stdin, deadline, limit, _MEMORY))


def role_of(part: Part, annotations: Mapping[str, object]) -> Role:
    """What an object is for, as helm sees it."""
    if part.definition:
        return Role.DEFINITION
    hooks = str(annotations.get("helm.sh/hook") or "")
    events = {event.strip().lower() for event in hooks.split(",")} - {""}
    if not events:
        return Role.OBJECT
    return Role.TEST if events & {"test", "test-success", "test-failure"} else Role.HOOK


def _versions(apis: Sequence[str]) -> list[str]:
    """Kinds, and the versions that they are of: a cluster tells helm both."""
    return sorted({*apis, *(api.rpartition("/")[0] for api in apis if api.count("/"))} - {""})


def _joined(words: Sequence[str]) -> Iterator[str]:
    """Words joined by commas, in as few arguments as the system takes."""
    part: list[str] = []
    size = 0
    for word in words:
        if part and size + len(word) > _ARGUMENT:
            yield ",".join(part)
            part, size = [], 0
        part.append(word)
        size += len(word) + 1
    if part:
        yield ",".join(part)


def _parts(output: bytes) -> Iterator[Part]:
    found = list(_SOURCE.finditer(output))
    for match, following in zip(found, [*found[1:], None], strict=True):
        text = output[match.end() : following.start() if following else len(output)]
        source = match["source"].decode(errors="replace")
        yield Part(source, text, _is_definition(source))


def _is_definition(source: str) -> bool:
    """Whether a file lies in the `crds` directory of a chart or of one of its subcharts."""
    parts = source.split("/")
    while len(parts) > 3 and parts[1] == "charts":
        parts = parts[2:]
    return len(parts) > 2 and parts[1] == "crds"
