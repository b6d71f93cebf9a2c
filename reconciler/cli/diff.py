"""`reconciler diff`: what clusters have against what the repo says, as `kubectl diff` shows it."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import click

from reconciler.cli import options, running, terminal
from reconciler.cli.progress import watch_progress
from reconciler.planning import unified
from reconciler.planning.unified import Difference
from reconciler.sync.options import Narrow

EXTERNAL = "KUBECTL_EXTERNAL_DIFF"
_FACES = {"+": "green", "-": "red", "@": "cyan", "#": "yellow"}


@click.command()
@click.argument("names", nargs=-1, metavar="[CLUSTER]... [REPO]")
@options.revisions
@options.narrowing
@options.output("text", "json", "yaml")
@running.reaching
def diff(**given: Any) -> None:
    """Show what clusters have against what REPO says, object by object.

    The other side is the server's own answer to a dry run, so that defaults and what admission adds are no difference.
    A line below each header says whether the repo changed the object or somebody else did (drift). Values of Secrets
    are fingerprints, made anew for each run. With KUBECTL_EXTERNAL_DIFF that program is run on two directories.

    REPO is the argument with a `/` or `:` in it, `.` or `..`; all others are clusters. Exits 0 when nothing differs,
    1 when something does, more when something cannot be compared.
    """
    from reconciler.sync.diff import diff as compared

    repo, clusters = _sorted(given["names"])
    narrow = options.narrow(given)
    asked = running.asked(
        {**given, "repo": repo},
        revision=options.revision(given),
        path=given["path"].strip("/"),
        narrow=Narrow(narrow.clusters | clusters, narrow.subscriptions, narrow.selector),
        dry_run=True,
        check_drift=True,
    )
    with watch_progress(verbose=given["verbose"], quiet=given["quiet"], log="human", once=True) as tell:
        found = running.to_its_end(compared(asked, tell))
    if given["output"] == "text":
        _show(found.differences)
    else:
        terminal.emit(terminal.structured(_data(found), given["output"]))
    for trouble in found.troubles:
        terminal.talk(f"{trouble.cluster}: {trouble.what}: {trouble.message}")
    if found.problems:
        from reconciler.cli import problems

        terminal.talk(problems.formatted(found.problems, "text"))
    raise click.exceptions.Exit(int(found.exit_code))


def _sorted(names: Sequence[str]) -> tuple[str, frozenset[str]]:
    """REPO, and the clusters."""
    repos = [name for name in names if "/" in name or ":" in name or name in (".", "..")]
    if len(repos) > 1:
        raise click.UsageError(f"{repos[0]} and {repos[1]} are two repos")
    return (repos[0] if repos else "."), frozenset(set(names) - set(repos))


def _show(differences: Sequence[Difference]) -> None:
    command = os.environ.get(EXTERNAL, "").strip()
    if not command:
        for one in differences:
            terminal.emit("\n".join(map(_coloured, unified.lines(one))))
        return
    from reconciler.adapters import externaldiff

    for cluster in dict.fromkeys(one.cluster for one in differences):
        pairs = [(one.name, one.before, one.after) for one in differences if one.cluster == cluster]
        externaldiff.run(command, pairs, os.environ)


def _coloured(line: str) -> str:
    if line.startswith(("diff ", "--- ", "+++ ")):
        return click.style(line, bold=True)
    return click.style(line, fg=_FACES[line[0]]) if line[:1] in _FACES else line


def _data(found: Any) -> dict[str, Any]:
    return {
        "fleet": found.fleet,
        "commit": found.commit,
        "exitCode": int(found.exit_code),
        "differences": [
            {
                "cluster": one.cluster,
                "subscription": one.subscription,
                "apiVersion": one.api_version,
                "object": str(one.key),
                "why": one.why,
                "by": one.by,
                "diff": "\n".join(_body(one)),
            }
            for one in found.differences
        ],
        "troubles": found.troubles,
    }


def _body(one: Difference) -> Iterator[str]:
    """The diff without its header."""
    lines = list(unified.lines(one))
    yield from lines[2:]
