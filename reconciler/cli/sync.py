"""`reconciler sync`: the GitOps path, once or for as long as it runs."""

from pathlib import Path
from typing import Any, NoReturn

import click

from reconciler.cli import options, running
from reconciler.cli.progress import watch_progress
from reconciler.cli.runreport import print_report
from reconciler.model.errors import Exit, UsageError
from reconciler.sync.options import Options
from reconciler.sync.trustedkeys import keys_in


@click.command()
@options.repository
@options.narrowing
@options.output("text", "wide", "json", "yaml")
@click.option("--once", is_flag=True, help="One run, then exit; otherwise stay and follow the repo.")
@click.option(
    "--interval",
    type=options.Duration(options.SHORTEST_LOOK),
    default="1m",
    show_default=True,
    help="How often the remote is asked.",
)
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until what was applied is ready.")
@click.option(
    "--timeout", type=options.Duration(), default="5m", show_default=True, help="How long to wait for readiness."
)
@click.option(
    "--lease-timeout",
    type=options.Duration(),
    default="1m",
    show_default=True,
    help="How long to wait for another run that works on a cluster; 0s leaves at once.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done; write nothing. Exit 1 when there is something.")
@click.option("--check-drift", is_flag=True, help="Look at every place, also where nothing is new.")
@click.option("--revert-commit", is_flag=True, help="Prepare a revert on a branch where a rollout halts.")
@click.option("--acknowledge", multiple=True, metavar="DIGEST", help="Do the deletes that a guard held back.")
@click.option("--offline", is_flag=True, help="Fetch no chart: go by what is remembered.")
@click.option("--directory", type=click.Path(file_okay=False, path_type=Path), help="Deliver into this directory.")
@click.option(
    "--trusted-keys",
    type=click.File(),
    metavar="FILE",
    help="Public keys (SSH or GPG) that must have signed the commit where no earlier run is remembered.",
)
@click.option("--kubeconfig", type=click.Path(dir_okay=False), help="Kubeconfig of contexts that fleet.yaml names.")
@click.option("-v", "--verbose", count=True, help="Say more on stderr; twice: every object.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing on stderr but errors.")
@click.option("--log-format", type=click.Choice(["human", "json"]), default="human", help="Of the log on stderr.")
def sync(**given: Any) -> None:
    """Deliver a commit of REPO to its clusters and write back the status.

    REPO is a path, or a file://, https:// or ssh:// URL with credentials as git has them.
    """
    revision = options.revision(given)
    once = given["once"] or given["dry_run"]
    if not once and revision.kind in ("tag", "commit"):
        raise UsageError("fixed-commit", f"a {revision.kind} does not move", "add --once")
    run = Options(
        repo=given["repo"],
        revision=revision,
        path=given["path"].strip("/"),
        cache=options.cache_directory(),
        environment=running.environment(given["kubeconfig"]),
        home=Path.home(),
        narrow=options.narrow(given),
        wait=given["wait"],
        timeout=given["timeout"],
        lease_timeout=given["lease_timeout"],
        stays=not once,
        interval=given["interval"],
        dry_run=given["dry_run"],
        check_drift=given["check_drift"],
        revert_commit=given["revert_commit"],
        acknowledged=frozenset(given["acknowledge"]),
        directory=given["directory"],
        offline=given["offline"],
        trusted=keys_in(given["trusted_keys"].read()) if given["trusted_keys"] else None,
    )
    progress = watch_progress(verbose=given["verbose"], quiet=given["quiet"], log=given["log_format"], once=once)
    with progress as tell:
        if once:
            from reconciler.sync.run import once as run_once

            report = running.to_its_end(run_once(run, tell))
        else:
            from reconciler.sync.loop import stay

            running.to_its_end(stay(run, tell))
            return
    print_report(report, given["output"])
    _leave(report.exit_code)


def _leave(code: Exit) -> NoReturn:
    raise click.exceptions.Exit(int(code))
