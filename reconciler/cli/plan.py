"""`reconciler plan`: what a run would do to every place, asked of the servers themselves, and kept as a file."""

from pathlib import Path
from typing import Any

import click
import msgspec

from reconciler.cli import options, planview, running, terminal
from reconciler.cli.progress import watch_progress
from reconciler.model.planfile import PlanFile

FORMATS = ("table", "wide", "json", "yaml")


class Output(click.ParamType[str]):
    """A format of stdout, or the name of a file that the plan is written into."""

    name = "output"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002 - click's signature
        return f"[{'|'.join(FORMATS)}|FILE.json]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in FORMATS and not str(value).endswith(".json"):
            self.fail(f"{value!r} is neither {', '.join(FORMATS)} nor a file FILE.json", param, ctx)
        return str(value)


@click.command()
@options.repository
@options.narrowing
@click.option(
    "-o",
    "--output",
    type=Output(),
    default="table",
    show_default=True,
    help="Format of stdout; json is the plan file. A name that ends in .json is --out FILE.json.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the plan file here.")
@click.option("--check-drift", is_flag=True, help="Look at every place, also where nothing is new.")
@click.option("--acknowledge", multiple=True, metavar="DIGEST", help="Plan the deletes that a guard held back.")
@running.reaching
def plan(**given: Any) -> None:
    """Show what `sync` would do with a commit of REPO, and write nothing.

    Every write is tried on its server as a dry run, so that a refusal shows beforehand. With `-o plan.json` or
    `--out plan.json` the plan is kept, for `reconciler apply plan.json`. Exits 1 when there is something to do, 4 when
    a server would refuse something or does not answer, 6 when deletes are held back.
    """
    from reconciler.sync.plan import plan as planned

    out = _out(given)
    asked = running.asked(
        given,
        revision=options.revision(given),
        path=given["path"].strip("/"),
        narrow=options.narrow(given),
        dry_run=True,
        check_drift=given["check_drift"],
        acknowledged=frozenset(given["acknowledge"]),
    )
    with watch_progress(verbose=given["verbose"], quiet=given["quiet"], log="human", once=True) as tell:
        found = running.to_its_end(planned(asked, tell))
    if out is not None:
        _write(out, found.file)
    if given["output"] in ("json", "yaml"):
        terminal.emit(terminal.structured(found.file, given["output"]))
    else:
        for line in planview.lines(found.file, wide=given["output"] == "wide"):
            terminal.emit(line)
    if found.problems:
        from reconciler.cli import problems

        terminal.talk(problems.formatted(found.problems, "text"))
    if out is not None:
        terminal.talk(f"to do exactly this: reconciler apply {out}")
    raise click.exceptions.Exit(int(found.exit_code))


def _out(given: dict[str, Any]) -> Path | None:
    named = Path(given["output"]) if given["output"] not in FORMATS else None
    if named and given["out"] and named != given["out"]:
        raise click.UsageError(f"-o {named} and --out {given['out']} name two files")
    found: Path | None = given["out"] or named
    return found


def _write(out: Path, plan: PlanFile) -> None:
    out.write_bytes(msgspec.json.format(msgspec.json.encode(plan), indent=1) + b"\n")
