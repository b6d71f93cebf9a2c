"""`reconciler apply`: carry out a plan that somebody has read, and nothing else."""

from pathlib import Path
from typing import Any

import click

from reconciler.cli import options, running, terminal
from reconciler.cli.progress import watch_progress
from reconciler.cli.runreport import print_report


@click.command()
@click.argument("plan", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("repo", default=".", type=click.Path())
@options.output("text", "wide", "json", "yaml")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until what was applied is ready.")
@click.option(
    "--timeout", type=options.Duration(), default="5m", show_default=True, help="How long to wait for readiness."
)
@running.reaching
def apply(**given: Any) -> None:
    """Do exactly what the file PLAN of `reconciler plan` says, with the commit of REPO that it names.

    The commit is rendered and everything decided anew, as by `sync`. When anything is not as in the plan (an object
    that somebody changed, an inventory that another run wrote, a cluster that joined), all of it is listed, nothing is
    written, and the exit code is 6. Deletes that the plan acknowledges need no further word.
    """
    from reconciler.sync import applying

    plan = applying.read(given["plan"])
    asked = running.asked(given, wait=given["wait"], timeout=given["timeout"])
    with watch_progress(verbose=given["verbose"], quiet=given["quiet"], log="human", once=True) as tell:
        try:
            report = running.to_its_end(applying.apply(plan, asked, tell))
        except applying.Moved as moved:
            _list(moved.differences)
            raise
    print_report(report, given["output"])
    raise click.exceptions.Exit(int(report.exit_code))


def _list(differences: tuple[str, ...]) -> None:
    columns = terminal.width() if terminal.interactive() else None
    for difference in differences:
        terminal.talk("\n".join(terminal.wrapped(f"moved: {difference}", columns)))
