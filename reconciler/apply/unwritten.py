"""Objects that a run did not write and that may be unready all the same: an earlier run may have stopped waiting."""

from collections.abc import Iterable

from reconciler.adapters.kube.client import Client
from reconciler.apply.write import Pending
from reconciler.model.errors import ApiError
from reconciler.model.plan import Action, Change
from reconciler.model.status import Health
from reconciler.planning.health import Assessor


async def unwritten(client: Client, changes: Iterable[Change], health: Assessor) -> list[Pending]:
    """Those of unchanged objects whose kinds can be unready; a kind that the server does not serve is left out."""
    found = []
    for change in changes:
        if change.action is Action.UNCHANGED and health.varies(change.key):
            try:
                resource = await client.resource(change.api_version, change.key.kind)
            except ApiError:
                continue
            path = resource.path(change.key.namespace)
            found.append(Pending(change.key, path, Health.PROGRESSING, "nobody has looked yet"))
    return found
