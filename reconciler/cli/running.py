"""What commands share that work on the places of a fleet: their options, and how they run and are stopped."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

from reconciler.cli import options
from reconciler.sync.options import Options
from reconciler.sync.trustedkeys import keys_in

F = TypeVar("F", bound=Callable[..., Any])


def reaching(command: F) -> F:
    """How places, charts and keys are found, and how much is said."""
    for option in (
        click.option("-q", "--quiet", is_flag=True, help="Say nothing on stderr but errors."),
        click.option("-v", "--verbose", count=True, help="Say more on stderr; twice: every object."),
        click.option(
            "--kubeconfig", type=click.Path(dir_okay=False), help="Kubeconfig of contexts that fleet.yaml names."
        ),
        click.option(
            "--trusted-keys",
            type=click.File(),
            metavar="FILE",
            help="Public keys (SSH or GPG) that must have signed the commit where no earlier run is remembered.",
        ),
        click.option(
            "--directory",
            type=click.Path(file_okay=False, path_type=Path),
            help="Deliver into this directory.",
        ),
        click.option("--offline", is_flag=True, help="Fetch no chart: go by what is remembered."),
    ):
        command = option(command)
    return command


def asked(given: dict[str, Any], **more: Any) -> Options:
    """The options of a run, from what `reaching` reads and whatever else a command says."""
    return Options(
        repo=given["repo"],
        cache=options.cache_directory(),
        environment=environment(given["kubeconfig"]),
        home=Path.home(),
        directory=given["directory"],
        offline=given["offline"],
        trusted=keys_in(given["trusted_keys"].read()) if given["trusted_keys"] else None,
        **more,
    )


def environment(kubeconfig: str | None) -> dict[str, str]:
    """The environment of a run, with the kubeconfig that the command line names."""
    found = dict(os.environ)
    if kubeconfig:
        found["KUBECONFIG"] = kubeconfig
    return found


def to_its_end(work: Coroutine[Any, Any, Any]) -> Any:
    """Run to the end, or until SIGINT or SIGTERM; those cancel between two writes and exit as the shell expects."""
    stopped: list[signal.Signals] = []

    async def guarded() -> Any:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def stop(number: signal.Signals) -> None:
            stopped.append(number)
            if task is not None:
                task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop, number)
        return await work

    with contextlib.suppress(asyncio.CancelledError):
        return asyncio.run(guarded())
    raise click.exceptions.Exit(128 + (stopped[0] if stopped else signal.SIGINT))
