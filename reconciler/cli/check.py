"""`reconciler check`: every problem of a fleet repo, before anything is delivered."""

import asyncio
from typing import Any

import click

from reconciler.cli import options, problems
from reconciler.cli.terminal import talk
from reconciler.model.errors import Exit
from reconciler.model.snapshot import Severity
from reconciler.sync import reading
from reconciler.sync.story import BrokenRepo


@click.command()
@options.repository
@options.output("text", "json", "sarif", "github")
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
def check(**given: Any) -> None:
    """Report every problem of REPO: the work tree of a path, or a commit.

    Exits 3 when there is an error, or with --strict a warning.
    """
    try:
        found = asyncio.run(reading.evaluated(options.reading(given))).problems
    except BrokenRepo as error:
        found = error.problems
    problems.print_problems(found, given["output"])
    errors = sum(problem.severity is Severity.ERROR for problem in found)
    if given["output"] == "text":
        talk(_summary(errors, len(found) - errors))
    if errors or (given["strict"] and found):
        raise click.exceptions.Exit(int(Exit.PROBLEMS))


def _summary(errors: int, warnings: int) -> str:
    told = [
        f"{count} {word}{'s' * (count != 1)}" for count, word in ((errors, "error"), (warnings, "warning")) if count
    ]
    return ", ".join(told) or "no problems"
