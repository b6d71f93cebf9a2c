"""The `reconciler` command: finds the subcommand, turns every expected error into one message and one exit code.

Subcommands are imported when they run: `--help` must not pay for Git, aiohttp or YAML.
"""

import gc
import importlib
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from reconciler import __version__
from reconciler.model.errors import Exit, ReconcilerError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COLLECT_SELDOM = (200_000, 20, 50)
"""Allocations between two collections: a fleet is a hundred thousand small values that live as long as the run, and
looking through them again and again was a fifth of it."""

COMMANDS = {
    "init": ("reconciler.cli.init:init", "Start a fleet repo from the template."),
    "check": ("reconciler.cli.check:check", "Report every problem of a fleet repo."),
    "schedule": ("reconciler.cli.schedule:schedule", "Show which Subscription goes to which clusters."),
    "explain": ("reconciler.cli.explain:explain", "Show who set a field of an object on a cluster, and why."),
    "render": ("reconciler.cli.render:render", "Print what each cluster will get."),
    "rbac": ("reconciler.cli.rbac:rbac", "Print the least rights that applying takes."),
    "whatif": ("reconciler.cli.whatif:whatif", "Show what a change of the fleet would do."),
    "plan": ("reconciler.cli.plan:plan", "Show what sync would do, and keep it as a file."),
    "apply": ("reconciler.cli.apply:apply", "Carry out a plan file, and nothing else."),
    "diff": ("reconciler.cli.diff:diff", "Show what clusters have against what the repo says."),
    "sync": ("reconciler.cli.sync:sync", "Deliver a commit to its clusters and write back the status."),
    "status": ("reconciler.cli.status:status", "Show the status of the fleet."),
    "suspend": ("reconciler.cli.suspend:suspend", "Leave a Subscription or cluster as it is."),
    "resume": ("reconciler.cli.suspend:resume", "Deliver a suspended Subscription or cluster again."),
    "rollout": ("reconciler.cli.rollout:rollout", "Show and steer how a change reaches the clusters."),
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
ENVIRONMENT = """\b
Every option has an environment variable, named after its command:
  RECONCILER_SYNC_TIMEOUT=10m is `sync --timeout 10m`."""


class LazyGroup(click.Group):
    """A group that knows its commands by name, and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{name} is no command")
        members = command.commands.values() if isinstance(command, click.Group) else ()
        for one in (command, *members):
            one.epilog = one.epilog or EXIT_CODES
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            from difflib import get_close_matches

            near = get_close_matches(name, COMMANDS, n=1)
            ctx.fail(f"No such command {name!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list["CompletionItem"]:
        """Names and texts of commands, without importing any of them."""
        from click.shell_completion import CompletionItem

        named = [CompletionItem(n, help=text) for n, (_, text) in COMMANDS.items() if n.startswith(incomplete)]
        return named + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.command(
    cls=LazyGroup,
    epilog=f"{EXIT_CODES}\n\n{ENVIRONMENT}",
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": "RECONCILER",
        "max_content_width": 80,
    },
)
@click.version_option(__version__, prog_name="reconciler", allow_from_autoenv=False)
def cli() -> None:
    """GitOps for fleets of Kubernetes clusters, on Clusternet's wire format.

    A fleet repo holds manifests, Subscriptions, Localizations and Globalizations; `sync` delivers a commit of it to
    directories, branches or clusters.
    """


def main() -> NoReturn:
    """Run the command line and exit with the code of the table in `--help`."""
    signal.signal(signal.SIGTERM, _terminated)
    gc.set_threshold(*COLLECT_SELDOM)
    try:
        code = cli.main(prog_name="reconciler", standalone_mode=False) or 0
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
    except OSError as error:
        _show(_system_error(error))
        code = Exit.FAILED
    except Exception as error:  # noqa: BLE001 - the one broad catch: our bug, told as such
        _show_bug(error)
        code = Exit.BUG
    gc.freeze()  # the interpreter's last collection would look through the whole fleet once more, to free it
    sys.exit(int(code))


def _terminated(number: int, frame: object) -> NoReturn:  # noqa: ARG001 - signal's signature
    """End as on Ctrl-C, so that whatever was started is ended too."""
    raise SystemExit(128 + number)


def _system_error(error: OSError) -> ReconcilerError:
    """What the system said no to, as far as it tells: no right, no space, no such file."""
    where = f"{error.filename}: " if error.filename else ""
    return ReconcilerError("system", f"{where}{error.strerror or type(error).__name__}")


def _show(error: ReconcilerError) -> None:
    from reconciler.cli import terminal

    if error.exit_code is Exit.PROBLEMS:
        from reconciler.cli import problems
        from reconciler.sync.story import BrokenRepo

        if isinstance(error, BrokenRepo):
            terminal.talk(problems.formatted(error.problems, "text"))
            return
    terminal.talk_error(error.code, error.message, error.hint)


def _show_bug(error: Exception) -> None:
    """A bug shows where it happened, never the message: that could hold an object."""
    import traceback

    from reconciler.cli import terminal

    whole = error
    while isinstance(error, ExceptionGroup):  # tells nothing itself
        error = error.exceptions[0]
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    where = " < ".join(
        f"{frame.name} ({frame.filename.rpartition('reconciler/')[2]}:{frame.lineno})" for frame in frames[::-1]
    )
    hint = "this is our mistake; please report these lines (RECONCILER_DEBUG=1 shows more)"
    terminal.talk_error(type(error).__name__, f"in {where}", hint, word="bug")
    if os.environ.get("RECONCILER_DEBUG"):
        traceback.print_exception(whole)
