"""Delivery into a directory: one file per object, planned as for a cluster, with an inventory beside the files.

    <root>/<cluster>/<path of the object>              what a person or another tool applies
    <root>/.reconciler/fleet.json                      which feed of which unit is wholly there
    <root>/.reconciler/units/<cluster id>/<ns>.<name>  the inventory of one unit

The index makes an unchanged unit cost nothing; the inventory of a unit is widened before its first write and narrowed
after its last delete, so that a run that was killed is finished by the next one.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from reconciler.adapters.files import Directory, exclusive
from reconciler.apply.directoryindex import INDEX, Index, IndexedCluster, read_index
from reconciler.apply.texts import Texts
from reconciler.model.applysettings import Prune
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.feed import Unit
from reconciler.model.inventory import Entry, Inventory
from reconciler.model.objects import BlobId, CommitId, Digest, ObjectKey
from reconciler.model.plan import Action, Change, Guard, Plan, Seen, Work
from reconciler.model.status import Delivered, Result, State
from reconciler.planning import budget, filenames, foreseen
from reconciler.planning.plan import keep_of, plan


class Record(msgspec.Struct, frozen=True):
    """The inventory of a unit as it is kept in the directory."""

    entries: tuple[Entry, ...]
    feed: Digest | None = None
    commit: CommitId | None = None
    cluster: str = ""
    """The name of the cluster when its files were written: the directory that they stand in."""
    orphan: bool = False
    """The Subscription said that its objects stay when it goes."""


Done = Callable[[Delivered], None]
"""Told of every unit that is finished."""


class Options(msgspec.Struct, frozen=True):
    """What holds for a whole run."""

    fleet: str
    commit: CommitId
    names: Mapping[str, str]
    """Names of the clusters by id."""
    verify: bool = False
    """Look at every file, not only at the index."""
    dry_run: bool = False
    sealed: Mapping[BlobId, bytes] = {}
    """Encrypted files of the repo that hold one document, by blob."""
    stop: Callable[[], bool] = lambda: False
    """Asked between units."""
    done: Done = lambda _delivered: None
    prune: Prune = Prune()
    """How many files may go without a question."""


class _Run(msgspec.Struct, frozen=True):
    """What all units of one delivery share."""

    directory: Directory
    options: Options
    texts: Texts
    shared: frozenset[str]
    """Names that several clusters have."""
    guards: Mapping[Unit, Guard] = {}
    """Units that would delete too much together."""


def deliver(root: Path, works: Iterable[Work], options: Options) -> list[Delivered]:
    """Bring every unit of `works` to its feed."""
    names, todo = Counter(options.names.values()), list(works)
    run = _Run(
        Directory(root), options, Texts(options.sealed), frozenset(name for name, times in names.items() if times > 1)
    )
    if options.dry_run:
        run = _within_budget(run, todo, read_index(root, options.fleet))
        return [_deliver_unit(run, work) for work in todo]
    with exclusive(root):
        index = read_index(root, options.fleet)
        return list(_deliver_all(_within_budget(run, todo, index), todo, index))


def _within_budget(run: _Run, works: Sequence[Work], index: Index) -> _Run:
    """Count what all units delete together, before the first of them does."""
    plans, prune = [], run.options.prune
    for work in works:
        with contextlib.suppress(ReconcilerError):  # told when it is its turn
            inventory, _ = _inventory(run.directory, work.unit, run.options.fleet)
            plans.append(plan(work.unit, work.feed, inventory, {}, work.evidence))
    count = sum(len(budget.asked(decided)) for decided in plans)
    if count <= min(prune.per_cluster.objects, prune.per_fleet.objects):
        return run
    acknowledged = frozenset(digest for work in works for digest in work.evidence.acknowledged)
    guards = budget.judged(plans, _totals(run, index), prune, acknowledged)
    return msgspec.structs.replace(run, guards=guards)


def _totals(run: _Run, index: Index) -> dict[str, int]:
    """How many files every cluster has."""
    totals: dict[str, int] = {}
    for cluster, indexed in index.clusters.items():
        for subscription in indexed.units:
            with contextlib.suppress(ReconcilerError):
                inventory, _ = _inventory(run.directory, Unit(subscription, cluster), run.options.fleet)
                totals[cluster] = totals.get(cluster, 0) + len(inventory.entries)
    return totals


def _deliver_all(run: _Run, works: Iterable[Work], index: Index) -> Iterator[Delivered]:
    touched = False
    try:
        for work in works:
            if run.options.stop():
                break
            delivered = _deliver_unit(run, work)
            touched |= _note(index, delivered, run.options)
            run.options.done(delivered)
            yield delivered
    finally:
        if touched:
            content = msgspec.json.format(msgspec.json.encode(index, order="sorted"), indent=1)
            run.directory.write(INDEX, content)


def _note(index: Index, delivered: Delivered, options: Options) -> bool:
    unit = delivered.unit
    known = index.clusters.get(unit.cluster)
    name = options.names.get(unit.cluster, known.name if known else unit.cluster)
    units = dict(known.units) if known else {}
    if delivered.feed is None and all(o.result is Result.PRUNED for o in delivered.outcomes):
        units.pop(unit.subscription, None)
    else:
        units[unit.subscription] = delivered.feed
    changed = known is None or units != known.units or name != known.name
    if units:
        index.clusters[unit.cluster] = IndexedCluster(name, units)
    else:
        index.clusters.pop(unit.cluster, None)
    return changed


def _deliver_unit(run: _Run, work: Work) -> Delivered:
    unit, options = work.unit, run.options
    try:
        inventory, home = _inventory(run.directory, unit, options.fleet)
        name = _name(run, unit, home if work.feed is None else "")
        place = _Place(run.directory, unit, name, run.texts)
        if home not in ("", name) and not options.dry_run:
            _Place(run.directory, unit, home, run.texts).clear(inventory)
            inventory = Inventory(unit, options.fleet)
        decided = plan(unit, work.feed, inventory, place.look(inventory) if options.verify else {}, work.evidence)
        if guard := run.guards.get(unit):
            decided = budget.restrained(decided, guard)
        if options.dry_run:
            return msgspec.structs.replace(_answer(decided), plan=decided)
        place.execute(decided, inventory, options.commit)
        return _answer(decided)
    except ReconcilerError as error:
        return Delivered(unit, State.FAILED, message=error.message)


def _answer(decided: Plan) -> Delivered:
    held = decided.guard is not None
    state = State.HELD if held else State.DELIVERED
    feed = None if held else decided.feed
    outcomes = foreseen.outcomes(decided)
    return Delivered(decided.unit, state, outcomes, feed=feed, guard=decided.guard, orphan=decided.orphan)


def _unit_path(unit: Unit) -> str:
    return f".reconciler/units/{unit.cluster}/{unit.subscription.replace('/', '.', 1)}.json"


def _name(run: _Run, unit: Unit, home: str) -> str:
    """The directory of the unit's cluster; UsageError when two clusters would share it."""
    name = home or run.options.names.get(unit.cluster, unit.cluster)
    if name in run.shared:
        raise UsageError("same-name", f"several clusters are named {name!r}, so they would share a directory")
    return name


def _inventory(directory: Directory, unit: Unit, fleet: str) -> tuple[Inventory, str]:
    """The inventory of a unit, and the directory that its files stand in (empty for a new one)."""
    content = directory.read(_unit_path(unit))
    if content is None:
        return Inventory(unit, fleet), ""
    try:
        record = msgspec.json.decode(content, type=Record)
    except msgspec.DecodeError as error:
        raise ReconcilerError("bad-inventory", f"{_unit_path(unit)} cannot be read: {error}") from error
    entries = {entry.key: entry for entry in record.entries}
    return Inventory(unit, fleet, entries, record.feed, record.commit, orphan=record.orphan), record.cluster


class _Place:
    """The files of one unit below its cluster's directory."""

    def __init__(self, directory: Directory, unit: Unit, cluster: str, texts: Texts) -> None:
        self._directory = directory
        self._unit = unit
        self._cluster = cluster
        self._texts = texts

    def look(self, inventory: Inventory) -> dict[ObjectKey, Seen]:
        """Compare every file that we own with what we last wrote."""
        seen = {}
        for key, entry in inventory.entries.items():
            content = self._directory.read(self._path(key))
            drifted = content is None or filenames.digest(content) != entry.resource_version
            seen[key] = Seen(exists=content is not None, drifted=drifted)
        return seen

    def execute(self, decided: Plan, inventory: Inventory, commit: CommitId) -> None:
        """Write and delete what the plan says; the inventory is a superset of the files at every moment."""
        entries = dict(inventory.entries)
        todo = [change for wave in decided.waves for change in wave]
        writes = [change for change in todo if change.action is not Action.UNCHANGED]
        prunes = [change for wave in decided.prunes for change in wave]
        if writes:
            new = {change.key: Entry(change.key, change.api_version) for change in writes}
            self._keep({**entries, **new}, Record((), None, commit, orphan=decided.orphan))
        for change in writes:
            entries[change.key] = self._write(change)
        for change in prunes:
            self._directory.delete(self._path(change.key))
            entries.pop(change.key, None)
        released = [change for change in decided.kept if change.released]
        for change in released:
            entries.pop(change.key, None)
        told = (inventory.feed, inventory.orphan) == (decided.feed, decided.orphan)
        if writes or prunes or released or not told:
            self._keep(entries, Record((), None if decided.guard else decided.feed, commit, orphan=decided.orphan))

    def clear(self, inventory: Inventory) -> None:
        """Remove the files of a unit whose cluster has another name now; they are written anew where they belong."""
        for key in inventory.entries:
            self._directory.delete(self._path(key))

    def _write(self, change: Change) -> Entry:
        if change.wanted is None:
            raise AssertionError(f"{change.action} of {change.key} has no object")
        content, version = self._texts.of(change.wanted)
        self._directory.write(self._path(change.key), content)
        keep = keep_of(change.wanted.body)
        return Entry(change.key, change.api_version, change.wanted.digest, resource_version=version, keep=keep)

    def _keep(self, entries: Mapping[ObjectKey, Entry], record: Record) -> None:
        path = _unit_path(self._unit)
        if not entries:
            self._directory.delete(path)
            return
        held = tuple(entry for _, entry in sorted(entries.items()))
        whole = msgspec.structs.replace(record, entries=held, cluster=self._cluster)
        self._directory.write(path, msgspec.json.encode(whole))

    def _path(self, key: ObjectKey) -> str:
        return filenames.in_directory(self._cluster, self._unit.subscription, key)
