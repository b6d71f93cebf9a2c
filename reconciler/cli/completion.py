"""`reconciler completion SHELL`."""

import click
from click.shell_completion import get_completion_class

from reconciler.model.errors import UsageError


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a completion script.

    \b
    bash:  source <(reconciler completion bash)
    zsh:   source <(reconciler completion zsh)
    fish:  reconciler completion fish | source
    """
    from reconciler.cli.main import cli

    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError("unknown-shell", f"no completion for {shell}")
    click.echo(kind(cli, {}, "reconciler", "_RECONCILER_COMPLETE").source())
