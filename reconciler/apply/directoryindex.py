"""What a directory that is delivered into holds: which feed of which unit is wholly there.

It makes an unchanged unit cost nothing, and tells of units that nobody mentions any more.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from reconciler.adapters.files import Directory
from reconciler.model.errors import UsageError
from reconciler.model.feed import Unit
from reconciler.model.objects import Digest

INDEX = ".reconciler/fleet.json"


class IndexedCluster(msgspec.Struct, frozen=True):
    """What the index knows of one cluster: the directory it has, and the feed of each Subscription."""

    name: str
    units: dict[str, Digest | None]


class Index(msgspec.Struct, frozen=True):
    """The index of a directory; clusters by id."""

    fleet: str
    clusters: dict[str, IndexedCluster] = {}


def read_index(root: Path, fleet: str) -> Index:
    """The index of a directory, empty for a new one; UsageError when the directory belongs to another fleet."""
    content = Directory(root).read(INDEX)
    if content is None:
        return Index(fleet)
    try:
        index = msgspec.json.decode(content, type=Index)
    except msgspec.DecodeError as error:
        hint = "restore it, or deliver into an empty directory"
        raise UsageError("bad-index", f"{root / INDEX} cannot be read: {error}", hint) from error
    if index.fleet != fleet:
        raise UsageError("other-fleet", f"{root} belongs to fleet {index.fleet!r}, not to {fleet!r}")
    return index


def units_of(index: Index, names: Mapping[str, str]) -> Mapping[Unit, Digest | None]:
    """The units that a directory holds, with the feed that is wholly there; None for a cluster that was renamed."""
    return {
        Unit(subscription, cid): feed if names.get(cid, cluster.name) == cluster.name else None
        for cid, cluster in index.clusters.items()
        for subscription, feed in cluster.units.items()
    }
