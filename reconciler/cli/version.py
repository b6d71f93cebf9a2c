"""`reconciler version`."""

import platform

import click
import msgspec

from reconciler import __version__


@click.command()
@click.option("-o", "output", type=click.Choice(["text", "json"]), default="text", help="Format of the output.")
def version(output: str) -> None:
    """Print the version."""
    if output == "json":
        click.echo(msgspec.json.encode({"version": __version__, "python": platform.python_version()}))
    else:
        click.echo(f"reconciler {__version__} (Python {platform.python_version()})")
