"""The `reconciler` command: finds the subcommand, turns every expected error into one message and one exit code.

Subcommands are imported when they run: `--help` must not pay for Git, aiohttp or YAML.
"""

import importlib
import os
import signal
import sys
from typing import NoReturn

import click

from reconciler import __version__
from reconciler.model.errors import Exit, ReconcilerError

COMMANDS = {
    "init": ("reconciler.cli.init:init", "Start a fleet repo from the template."),
    "check": ("reconciler.cli.check:check", "Report every problem of a fleet repo."),
    "schedule": ("reconciler.cli.schedule:schedule", "Show which Subscription goes to which clusters."),
    "render": ("reconciler.cli.render:render", "Print what each cluster will get."),
    "sync": ("reconciler.cli.sync:sync", "Deliver a commit to its clusters and write back the status."),
    "status": ("reconciler.cli.status:status", "Show the status of the fleet."),
    "suspend": ("reconciler.cli.suspend:suspend", "Leave a Subscription or cluster as it is."),
    "resume": ("reconciler.cli.suspend:resume", "Deliver a suspended Subscription or cluster again."),
    "cluster": ("reconciler.cli.cluster:cluster", "Register, list, label and remove clusters in a hub."),
    "schema": ("reconciler.cli.schema:schema", "Write the JSON Schemas of everything an author writes."),
    "completion": ("reconciler.cli.completion:completion", "Print a shell completion script."),
    "version": ("reconciler.cli.version:version", "Print the version."),
}

EXIT_CODES = """\b
Exit codes:
  0   same or done            4   some objects or clusters failed
  1   differences             5   applied, but not ready in time
  2   usage or configuration  6   refused by a guard or by another run
  3   problems in the repo    7   not trusted
  70  a bug of ours; several at once give the highest below 70"""


class LazyGroup(click.Group):
    """A group that knows its commands by name, and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            from difflib import get_close_matches

            near = get_close_matches(cmd_name, COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {cmd_name!r}.{hint}")
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{name} is no command")
        if command.epilog is None:
            command.epilog = EXIT_CODES
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command(cls=LazyGroup, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="reconciler")
def cli() -> None:
    """GitOps for fleets of Kubernetes clusters, on Clusternet's wire format.

    A fleet repo holds manifests, Subscriptions, Localizations and Globalizations; `sync` delivers a commit of it to
    directories, branches or clusters.
    """


def main() -> NoReturn:
    """Run the command line and exit with the code of the table in `--help`."""
    try:
        code = cli.main(standalone_mode=False) or 0
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.ClickException as error:
        error.show()
        code = Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        code = 128 + signal.SIGINT
    except ReconcilerError as error:
        _show(error)
        code = error.exit_code
    except BrokenPipeError:
        # The reader of a pipe went away (`| head`): nothing more to say, and nothing to flush into it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = Exit.OK
    except Exception as error:  # noqa: BLE001 - the one broad catch: our bug, told as such
        _show_bug(error)
        code = Exit.BUG
    sys.exit(int(code))


def _show(error: ReconcilerError) -> None:
    click.echo(f"{click.style('error', fg='red')}[{error.code}]: {error.message}", err=True)
    if error.hint:
        click.echo(f"  {click.style('hint', fg='cyan')}: {error.hint}", err=True)


def _show_bug(error: Exception) -> None:
    """A bug shows where it happened, never the message: that could hold an object."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)[-4:]
    where = " < ".join(
        f"{frame.name} ({frame.filename.rpartition('reconciler/')[2]}:{frame.lineno})" for frame in frames[::-1]
    )
    click.echo(f"{click.style('bug', fg='red')}[{type(error).__name__}]: in {where}", err=True)
    click.echo("  hint: this is our mistake; please report these two lines (RECONCILER_DEBUG=1 shows more)", err=True)
    if os.environ.get("RECONCILER_DEBUG"):
        traceback.print_exception(error)
