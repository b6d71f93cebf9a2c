"""The fleet's status as files: what machines read back, what people look up, and a page for a code host.

    status.json                      fleet, commit, place of delivery, version of this format
    rollouts.json                    rollouts under way: whom they touched, which groups passed; absent without any
    clusters/<name>.json             one cluster and all its units: the truth, from which status is read back
    subscriptions/<ns>/<name>.json   one Subscription in the words of Clusternet's status (contract §1.3): derived
    README.md                        for people: derived

Equal values give equal bytes, and nothing in them changes when nothing happened: the only times are those of groups
that passed, which is an event.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import msgspec

from reconciler.model.errors import UsageError
from reconciler.model.objects import CommitId
from reconciler.model.status import ClusterNote, FleetStatus, RolloutStatus, State, UnitStatus
from reconciler.planning import filenames, page

FORMAT = 1
"""Version of this format. A reader takes its own and older ones, and ignores members that it does not know."""
HEAD = "status.json"
ROLLOUTS = "rollouts.json"
PAGE = "README.md"
_CLUSTERS = "clusters/"


class _File(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    pass


F = TypeVar("F", bound=_File)


class HeadFile(_File, frozen=True):
    """`status.json`."""

    format: int
    fleet: str
    commit: CommitId | None = None
    place: str = ""


class ClusterFile(_File, frozen=True):
    """`clusters/<name>.json`."""

    cluster: ClusterNote
    units: tuple[UnitStatus, ...] = ()
    """Sorted by Subscription."""


class RolloutsFile(_File, frozen=True):
    """`rollouts.json`."""

    rollouts: Mapping[str, RolloutStatus]
    """By Subscription."""


class Bound(_File, frozen=True):
    """What one Subscription is on one cluster."""

    cluster: str
    """Name of the cluster."""
    id: str
    state: State
    commit: CommitId | None = None
    message: str = ""


class SubscriptionFile(_File, frozen=True):
    """`subscriptions/<ns>/<name>.json`."""

    subscription: str
    binding_clusters: tuple[str, ...]
    """`namespace/name` of the clusters, sorted."""
    clusters: tuple[Bound, ...]
    """In the order of `bindingClusters`."""
    replicas: Mapping[str, tuple[int, ...]] = {}
    """By feed, in the order of `bindingClusters`; absent when nothing is divided."""


def is_truth(path: str) -> bool:
    """Whether a file is needed to read the status back."""
    return path in (HEAD, ROLLOUTS) or path.startswith(_CLUSTERS)


def encode(status: FleetStatus) -> dict[str, bytes]:
    """All files of a status."""
    files = changed_files(FleetStatus(status.fleet), status)
    files[HEAD] = _json(_head(status))
    files[PAGE] = _page(_noted(status))
    return {path: content for path, content in sorted(files.items()) if content is not None}


def changed_files(before: FleetStatus, after: FleetStatus) -> dict[str, bytes | None]:
    """The files in which two statuses differ, None for those that go. Costs what changed, and one look at every unit.

    A `before` without commit and units is one that was never written.
    """
    if before == msgspec.structs.replace(after, version=before.version):
        return {}
    after = _noted(after)
    touched = [unit for unit in {**before.units, **after.units} if before.units.get(unit) != after.units.get(unit)]
    renamed = {i for i in {**before.clusters, **after.clusters} if before.clusters.get(i) != after.clusters.get(i)}
    files: dict[str, bytes | None] = {}
    if _head(before) != _head(after) or not before.units:
        files[HEAD] = _json(_head(after))
    if before.rollouts != after.rollouts:
        files[ROLLOUTS] = _json(RolloutsFile(after.rollouts)) if after.rollouts else None
    files.update(_cluster_files(before, after, {unit.cluster for unit in touched} | renamed))
    moved = {unit.subscription for unit in {**before.units, **after.units} if unit.cluster in renamed}
    files.update(_subscription_files(after, {unit.subscription for unit in touched} | moved))
    files[PAGE] = _page(after)
    return dict(sorted(files.items()))


def _noted(status: FleetStatus) -> FleetStatus:
    """A status in which every unit's cluster has a note, so that no unit is lost for want of a file."""
    unknown = {unit.cluster for unit in status.units} - status.clusters.keys()
    notes = {i: ClusterNote(i, i, "") for i in unknown}
    return msgspec.structs.replace(status, clusters={**status.clusters, **notes}) if notes else status


def decode(files: Mapping[str, bytes]) -> FleetStatus:
    """The status that files hold; derived files are not looked at. UsageError for those of a newer version."""
    content = files.get(HEAD)
    if content is None:
        raise UsageError("bad-status", f"there is no {HEAD}, so this is no status of a fleet", "name another branch")
    head = _read(HEAD, content, HeadFile)
    if head.format > FORMAT:
        raise UsageError("newer-status", f"the status has format {head.format}, we read {FORMAT}", "upgrade reconciler")
    clusters, units = {}, {}
    for path in sorted(path for path in files if path.startswith(_CLUSTERS)):
        file = _read(path, files[path], ClusterFile)
        clusters[file.cluster.id] = file.cluster
        units.update({unit.unit: unit for unit in file.units})
    ordered = dict(sorted(units.items(), key=lambda item: item[0]))
    rollouts = _read(ROLLOUTS, files[ROLLOUTS], RolloutsFile).rollouts if ROLLOUTS in files else {}
    return FleetStatus(head.fleet, head.commit, clusters, ordered, head.place, rollouts=rollouts)


def _head(status: FleetStatus) -> HeadFile:
    return HeadFile(FORMAT, status.fleet, status.commit, status.place)


def cluster_paths(clusters: Mapping[str, ClusterNote]) -> dict[str, str]:
    """The file of every cluster, by id; clusters of the same name get their id into it."""
    names = Counter(filenames.word(note.name) for note in clusters.values())
    paths = {}
    for i, note in clusters.items():
        name = filenames.word(note.name)
        paths[i] = f"{_CLUSTERS}{name}.json" if names[name] == 1 else f"{_CLUSTERS}{name}~{filenames.word(i)}.json"
    return paths


def _cluster_files(before: FleetStatus, after: FleetStatus, touched: set[str]) -> dict[str, bytes | None]:
    old, new = cluster_paths(before.clusters), cluster_paths(after.clusters)
    moved = {i for i in new if i in old and old[i] != new[i]}
    units = _grouped(after.units.values(), touched | moved, lambda unit: unit.cluster)
    files: dict[str, bytes | None] = {old[i]: None for i in old.keys() & (touched | moved)}
    for i in sorted((touched | moved) & new.keys()):
        mine = tuple(sorted(units.get(i, ()), key=lambda unit: unit.subscription))
        files[new[i]] = _json(ClusterFile(after.clusters[i], mine))
    return files


def _subscription_files(after: FleetStatus, touched: set[str]) -> dict[str, bytes | None]:
    units = _grouped(after.units.values(), touched, lambda unit: unit.subscription)
    return {
        subscription_path(name): _subscription(name, units[name], after.clusters) if name in units else None
        for name in touched
    }


def subscription_path(subscription: str) -> str:
    """The file of a Subscription (`namespace/name`)."""
    namespace, _, name = subscription.partition("/")
    return f"subscriptions/{filenames.word(namespace)}/{filenames.word(name)}.json"


def _subscription(name: str, units: Iterable[UnitStatus], clusters: Mapping[str, ClusterNote]) -> bytes:
    bound = sorted((_binding(clusters.get(unit.cluster)), unit.cluster, unit) for unit in units)
    feeds = sorted({feed for _, _, unit in bound for feed in unit.replicas})
    return _json(
        SubscriptionFile(
            subscription=name,
            binding_clusters=tuple(binding for binding, _, _ in bound),
            clusters=tuple(
                Bound(binding.partition("/")[2], i, unit.state, unit.commit, unit.message) for binding, i, unit in bound
            ),
            replicas={feed: tuple(unit.replicas.get(feed, 0) for _, _, unit in bound) for feed in feeds},
        )
    )


def _binding(note: ClusterNote | None) -> str:
    return f"{note.namespace}/{note.name}" if note else "/"


def _grouped(
    units: Iterable[UnitStatus], touched: set[str], name: Callable[[UnitStatus], str]
) -> dict[str, list[UnitStatus]]:
    groups: dict[str, list[UnitStatus]] = {}
    for unit in units:
        if name(unit) in touched:
            groups.setdefault(name(unit), []).append(unit)
    return groups


def _page(status: FleetStatus) -> bytes:
    subscriptions = {unit.subscription: subscription_path(unit.subscription) for unit in status.units}
    return page.write(status, cluster_paths(status.clusters), subscriptions)


def _json(value: msgspec.Struct) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=1) + b"\n"


def _read(path: str, content: bytes, kind: type[F]) -> F:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise UsageError("bad-status", f"{path} of the status cannot be read: {error}", "remove it") from error
