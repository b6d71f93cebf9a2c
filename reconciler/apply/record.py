"""Inventories as a run reads and writes them: digests that cover values of Secrets are kept under a key."""

from collections.abc import Iterable, Mapping

from reconciler.adapters.kube.client import Client
from reconciler.apply import inventory as inventories
from reconciler.apply.options import Options
from reconciler.model.feed import Unit
from reconciler.model.inventory import Inventory
from reconciler.model.plan import Work
from reconciler.planning import keyeddigests
from reconciler.planning.hooks import parted


async def revealed(
    client: Client, there: Mapping[Unit, Inventory], works: Iterable[Work], options: Options
) -> Mapping[Unit, Inventory]:
    """The inventories, with digests that can be compared with those of what these works want."""
    feeds = {work.unit: feed for work in works if (feed := parted(work).feed) and _is_keyed(there.get(work.unit))}
    key = await options.keys.read(client, options.fleet, options.namespace) if feeds else None
    if key is None:
        return there
    return {**there, **{unit: keyeddigests.revealed(there[unit], feed, key) for unit, feed in feeds.items()}}


async def write(client: Client, before: Inventory, after: Inventory, options: Options) -> Inventory:
    """Write what became of an inventory. Refused when another run wrote in between."""
    key = None
    if keyeddigests.concerns(after):
        key = await options.keys.made(client, options.fleet, options.namespace, options.warn)
    return await inventories.write(client, options.namespace, before, after, options.inventory_kind, key)


def _is_keyed(inventory: Inventory | None) -> bool:
    return inventory is not None and keyeddigests.is_keyed(inventory)
