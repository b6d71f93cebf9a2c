"""`reconciler explain`: why a field of an object has its value on a cluster, from the file to the last override."""

import asyncio
from typing import Any

import click

from reconciler.adapters import salt
from reconciler.cli import explainview, options, terminal
from reconciler.model.errors import UsageError
from reconciler.render.fieldnames import parse_field
from reconciler.sync import reading, tracing
from reconciler.sync.explaining import Explained, explained
from reconciler.sync.kindnames import parse_reference


@click.command()
@options.revisions
@options.offline
@click.option("--repo", default=".", metavar="REPO", help="Path or URL of the fleet repo (default: here).")
@click.option("-n", "--namespace", default="", metavar="NAME", help="Namespace of the object.")
@click.option("--subscription", default="", metavar="NAME", help="The Subscription, where several deliver the object.")
@click.option("--show-secrets", is_flag=True, help="Values of Secrets in clear, not as fingerprints.")
@options.output("text", "json", "yaml")
@click.argument("cluster", shell_complete=options.complete_clusters)
@click.argument("object", metavar="KIND/NAME")
@click.argument("field", required=False, default="")
def explain(**given: Any) -> None:
    """Show who set a FIELD of an object on CLUSTER: file, chart, division and each override, with before and after.

    KIND is as for kubectl (deploy/web, deployment.apps/web). FIELD is a dotted path (spec.replicas,
    spec.template.spec.containers[0].image) or a JSON pointer; without it, all fields are told with what set them last.
    Lines that are committed are told with their commit and author.
    """
    field = parse_field(given["field"])
    if field is None:
        hint = "as in spec.template.spec.containers[0].image, or /spec/replicas"
        raise UsageError("bad-field", f"{given['field']!r} names no field", hint)
    found = asyncio.run(_asked(given, field))
    if given["output"] == "text":
        terminal.emit(explainview.text(found, terminal.width()))
    else:
        terminal.emit(terminal.structured(explainview.data(found), given["output"]))


async def _asked(given: dict[str, Any], field: tuple[str, ...]) -> Explained:
    asked = options.reading(given)
    reference = parse_reference(given["object"], given["namespace"])
    question = tracing.Question(given["cluster"], reference, given["subscription"])
    async with reading.grounded(asked, terminal.warn) as ground:
        traced = await tracing.traced(ground, question)
        return await explained(ground, asked, traced, field, None if given["show_secrets"] else salt.fresh())
