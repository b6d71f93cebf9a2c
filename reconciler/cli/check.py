"""`reconciler check`: every problem of a fleet repo, before anything is delivered."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import click
import msgspec

from reconciler.cli import options, problems, terminal
from reconciler.cli.terminal import talk
from reconciler.model.errors import Exit
from reconciler.model.snapshot import Problem, Severity
from reconciler.sync import checking, reading
from reconciler.sync.options import Options
from reconciler.sync.story import BrokenRepo

_GLANCE = 5
"""Problems that need no summary by rule."""
_RULES = 3
"""Rules that the summary names."""


def _rules(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    from reconciler.source.rules import RULES

    return [name for name in RULES if name.startswith(incomplete)]


@click.command()
@options.repository
@options.offline
@options.output("text", "json", "sarif", "github")
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.option(
    "--explain",
    metavar="[RULE]",
    is_flag=False,
    flag_value="all",
    shell_complete=_rules,
    help="Explain a rule, with examples; without a name list all rules. Nothing is read.",
)
def check(**given: Any) -> None:
    """Report every problem of REPO: the work tree of a path, or a commit.

    Files are named as from here, so that an editor or code host finds them. Exits 3 when there is an error, or with
    --strict a warning.
    """
    if given["explain"] is not None:
        terminal.emit(_explained(given["explain"], given["output"]))
        return
    asked = options.reading(given)
    try:
        found = asyncio.run(checking.problems(asked, terminal.warn))
    except BrokenRepo as error:
        found = error.problems
    found = tuple(_placed(problem, _top(asked)) for problem in found)
    found = tuple(problems.distinct(found))
    shown, folded = problems.folded(found) if given["output"] == "text" and terminal.redrawn() else (found, "")
    problems.print_problems(shown, given["output"])
    errors = sum(problem.severity is Severity.ERROR for problem in found)
    if given["output"] == "text":
        talk(folded + _summary(errors, len(found) - errors) + _frequent(found))
    if errors or (given["strict"] and found):
        raise click.exceptions.Exit(int(Exit.PROBLEMS))


def _explained(name: str, output: str) -> str:
    """The page of a rule, or the list of all."""
    from reconciler.cli import rulepages
    from reconciler.source.rules import RULES

    asked = list(RULES.values()) if name == "all" else [rulepages.find(name)]
    if output == "text":
        return rulepages.listing() if name == "all" else rulepages.shown(asked[0], terminal.width())
    if output != "json":
        raise click.UsageError("--explain takes -o text or json")
    told = [{**msgspec.to_builtins(rule), "page": rulepages.page(rule)} for rule in asked]
    return terminal.structured(told if name == "all" else told[0], "json")


def _top(asked: Options) -> PurePosixPath:
    """Where the files of the fleet lie: below REPO for a work tree, below the root of the repo for a commit."""
    return PurePosixPath(asked.repo if reading.is_work_tree(asked) else ".", asked.path)


def _placed(problem: Problem, top: PurePosixPath) -> Problem:
    place = msgspec.structs.replace(problem.place, path=str(top / problem.place.path))
    return msgspec.structs.replace(problem, place=place)


def _summary(errors: int, warnings: int) -> str:
    told = [
        f"{count} {word}{'s' * (count != 1)}" for count, word in ((errors, "error"), (warnings, "warning")) if count
    ]
    return ", ".join(told) or "no problems"


def _frequent(found: Sequence[Problem]) -> str:
    """What is wrong most often, where there is more than fits a glance."""
    if len(found) <= _GLANCE:
        return ""
    counts = Counter(problem.rule for problem in found).most_common()
    told = ", ".join(f"{rule} {count}" for rule, count in counts[:_RULES])
    more = f" and {len(counts) - _RULES} rules more" if len(counts) > _RULES else ""
    return f"\n{told}{more}; reconciler check --explain RULE tells more"
