"""docs/commands.md: what `--help` says of every command, with the environment variable of every option."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from reconciler.cli.main import COMMANDS, cli

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
HEAD = """\
# Commands

Every command and option, written by `hack/commands` from the commands themselves. `reconciler COMMAND --help` says the
same on a terminal.

## What holds for all

- **stdout is data, stderr is talk.** Progress is shown only on a terminal; a pipe gets no control characters.
- **`-o json|yaml`** is complete, and its names are stable. Tables are for people: they fit 80 columns, wrap words, and
  are cut to a screen; `-o wide` shows all of it with one line per row. There is no `--no-headers`: a script reads JSON,
  or `-o name` where there is one.
- **A REPO** is a path, or a `file://`, `https://`, `ssh://` or `user@host:path` URL, with credentials as git has them.
  `check`, `schedule` and `render` read the work tree of a path as it lies there; give `--branch`, `--tag` or `--commit`
  for a commit. `sync` and `status` always mean commits.
- **Durations** are Go's: `30s`, `5m`, `1h30m`, `250ms`.
- **Interrupted** by Ctrl-C or SIGTERM, a command ends within a second at a consistent point, with 130 or 143. When the
  reader of its output goes away (`| head`), it ends with 141.

### Exit codes

One table for every command. Several at once give the highest below 70.

| code | meaning |
|---|---|
| 0 | same, or done |
| 1 | differences: `sync --dry-run` would write something |
| 2 | usage or configuration |
| 3 | problems in the fleet repo; what was delivered stays |
| 4 | some objects or clusters failed, or could not be reached |
| 5 | applied, but not ready in time |
| 6 | refused by a guard, or another run is at work |
| 7 | not trusted: a signature, certificate or credential |
| 70 | a bug of ours |

### Environment

| variable | meaning |
|---|---|
| `RECONCILER_COMMAND_OPTION` | any option, named after its command: `RECONCILER_SYNC_TIMEOUT=10m` is `sync --timeout \
10m`. Flags take `1` or `0`, repeatable options words separated by blanks. The command line wins |
| `RECONCILER_CACHE` | directory of what may be forgotten at any time (default: `$XDG_CACHE_HOME/reconciler`, \
`~/.cache/reconciler`) |
| `RECONCILER_DEBUG` | `1` shows the whole trace of a bug |
| `KUBECONFIG` | kubeconfig files of the contexts that `fleet.yaml` names |
| `NO_COLOR` | no colours, whatever the terminal |
| `GIT_SSH_COMMAND`, `GIT_ASKPASS`, `GIT_CONFIG_*`, … | as git reads them |
"""


def page() -> str:
    """The whole page."""
    top = click.Context(cli, info_name="reconciler", auto_envvar_prefix="RECONCILER")
    parts = [HEAD]
    for name in COMMANDS:
        command = cli.get_command(top, name)
        if command is not None:
            parts += _sections(command, click.Context(command, parent=top, info_name=name))
    return "\n".join(parts)


def _sections(command: click.Command, ctx: click.Context) -> Iterator[str]:
    level = "##" if ctx.parent is not None and ctx.parent.parent is None else "###"
    yield f"{level} {ctx.command_path}\n"
    usage = " ".join(command.collect_usage_pieces(ctx))
    yield f"```\n{ctx.command_path} {usage}\n```\n"
    yield _text(command)
    options = [option for option in command.get_params(ctx) if isinstance(option, click.Option)]
    rows = [_row(option, ctx) for option in options if not {"--help", "--version"} & {*option.opts}]
    if rows:
        yield "| option | default | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    for name, member in command.commands.items() if isinstance(command, click.Group) else ():
        yield from _sections(member, click.Context(member, parent=ctx, info_name=name))


def _text(command: click.Command) -> str:
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    told = [f"```\n{p[2:]}\n```" if p.startswith("\b\n") else p for p in paragraphs]
    return "\n\n".join(told) + "\n"


def _row(option: click.Option, ctx: click.Context) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    value = "" if option.is_flag or option.count else f" `{option.make_metavar(ctx)}`"
    default = f"`{option.default}`" if option.show_default and not option.is_flag else " "
    told = option.help or ""
    if option.multiple and "repeatable" not in told:
        told += " Repeatable."
    return (
        "| "
        + " | ".join(cell.replace("|", "\\|") for cell in (names + value, default, told)).replace("   ", " ")
        + " |"
    )


def main() -> int:
    """Write the page, or with --check say whether it is stale."""
    if sys.argv[1:] != ["--check"]:
        PAGE.write_text(page())
        return 0
    if PAGE.is_file() and PAGE.read_text() == page():
        return 0
    print("docs/commands.md is stale: run hack/commands", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
