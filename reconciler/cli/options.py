"""Options that several commands share, and how they are read."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from reconciler.adapters.git.revision import Revision, commit_revision
from reconciler.sync import options as sync_options
from reconciler.sync.options import Narrow, Options

F = TypeVar("F", bound=Callable[..., Any])

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
SHORTEST_LOOK = 0.1
"""Seconds between two looks at a remote, at the least."""
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class Duration(click.ParamType[float]):
    """Go's duration syntax: `30s`, `5m`, `1h30m`; a bare number is seconds. The value is in seconds."""

    name = "duration"

    def __init__(self, least: float = 0.0) -> None:
        """Durations of at least so many seconds."""
        self._least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, int | float):
            return float(value)
        parts = [(value, "s")] if value.isdecimal() else _DURATION.findall(value)
        if not parts or "".join(number + unit for number, unit in parts) not in (value, value + "s"):
            self.fail(f"{value!r} is no duration; write 30s, 5m or 1h30m", param, ctx)
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
        if seconds < self._least:
            self.fail(f"{value!r} is too short; at least {self._least:g}s", param, ctx)
        return seconds


def cache_directory() -> Path:
    """Where blobs and mirrors are remembered; may be deleted at any time."""
    return sync_options.cache_directory(os.environ, Path.home())


def complete_clusters(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Names of the clusters that the files declare, for a shell."""
    from reconciler.cli import completing

    return completing.clusters(_completed(ctx), incomplete)


def complete_subscriptions(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Names of the Subscriptions, for a shell."""
    from reconciler.cli import completing

    return completing.subscriptions(_completed(ctx), incomplete)


def _completed(ctx: click.Context) -> Options:
    return work_tree(Path(ctx.params.get("repo") or "."), ctx.params.get("path") or "")


def below(command: F) -> F:
    """--path, for a fleet that does not stand at the root of its repo."""
    return click.option(
        "--path", default="", metavar="DIR", help="Directory of the repo that holds the fleet (fleet.yaml)."
    )(command)


def revisions(command: F) -> F:
    """Which commit, and where in it the fleet stands."""
    command = below(command)
    command = click.option("--commit", metavar="ID", help="Exactly this commit.")(command)
    command = click.option("--tag", metavar="NAME", help="The commit of this tag.")(command)
    return click.option("--branch", metavar="NAME", help="The head of this branch (default: the remote's HEAD).")(
        command
    )


def repository(command: F) -> F:
    """REPO and which commit of it."""
    return click.argument("repo", default=".", type=click.Path())(revisions(command))


def narrowing(command: F) -> F:
    """--cluster, --subscription and -l."""
    command = click.option(
        "-l", "--selector", default="", metavar="LABELS", help="Only clusters with these labels (env=prod,tier!=db)."
    )(command)
    command = click.option(
        "--subscription",
        metavar="NAME",
        multiple=True,
        shell_complete=complete_subscriptions,
        help="Only this Subscription (namespace/name); repeatable.",
    )(command)
    return click.option(
        "--cluster",
        metavar="NAME",
        multiple=True,
        shell_complete=complete_clusters,
        help="Only this cluster; repeatable.",
    )(command)


def offline(command: F) -> F:
    """--offline, for commands that only read."""
    text = "Ask no cluster and fetch no chart: go by what `cluster export` wrote, and by what is remembered."
    return click.option("--offline", is_flag=True, help=text)(command)


def output(*formats: str) -> Callable[[F], F]:
    """-o with the formats of a command, the first one by default."""
    return click.option(
        "-o", "--output", type=click.Choice(formats), default=formats[0], show_default=True, help="Format of stdout."
    )


def revision(given: dict[str, Any]) -> Revision:
    """Which commit --branch, --tag or --commit ask for; at most one may be given."""
    named = [(kind, name) for kind in ("branch", "tag", "commit") if (name := given[kind])]
    if len(named) > 1:
        raise click.UsageError("give one of --branch, --tag and --commit")
    if not named:
        return Revision()
    kind, name = named[0]
    if kind == "commit":
        return commit_revision(name)
    return Revision("branch" if kind == "branch" else "tag", name)


def narrow(given: dict[str, Any]) -> Narrow:
    """What --cluster, --subscription and -l ask for."""
    return Narrow(frozenset(given["cluster"]), frozenset(given["subscription"]), given["selector"])


def reading(given: dict[str, Any]) -> Options:
    """The command line of a command that only reads."""
    return Options(
        repo=given["repo"],
        revision=revision(given),
        path=given["path"].strip("/"),
        cache=cache_directory(),
        environment=dict(os.environ),
        home=Path.home(),
        narrow=narrow(given) if "selector" in given else Narrow(),
        offline=given.get("offline", False),
    )


def work_tree(repo: Path, path: str) -> Options:
    """A command that reads the files as they lie there."""
    return reading({"repo": str(repo), "path": path, "branch": None, "tag": None, "commit": None})
