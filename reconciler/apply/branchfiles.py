"""What a branch of rendered manifests holds, and what has to change in it for a plan. Nothing is written here."""

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from reconciler.adapters.git import objects as reading
from reconciler.adapters.git.mirror import Mirror
from reconciler.apply.texts import Texts
from reconciler.model.applysettings import Prune
from reconciler.model.errors import Refused
from reconciler.model.feed import Unit
from reconciler.model.inventory import Entry, Inventory
from reconciler.model.objects import BlobId, CommitId, Digest, ObjectKey
from reconciler.model.plan import Action, Guard, Plan, Seen, Work
from reconciler.model.status import Delivered
from reconciler.planning import budget, filenames
from reconciler.planning.plan import keep_of, plan

FOLDER = ".reconciler"
SUFFIX = ".inventory"
SHA1 = 40
"""Digits of an id in most repos; those with longer ones call the same content by another name than we do."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for a whole run."""

    fleet: str
    commit: CommitId
    names: Mapping[str, str]
    """Names of the clusters by id."""
    prefix: str
    """Of the branches: `clusters/`."""
    now: datetime.datetime
    verify: bool = False
    """Look at every file, not only at the inventories."""
    dry_run: bool = False
    sealed: Mapping[BlobId, bytes] = {}
    """Encrypted files of the repo that hold one document, by blob."""
    done: Callable[[Delivered], None] = lambda _delivered: None
    prune: Prune = Prune()
    """How many files may go without a question."""
    guards: Mapping[Unit, Guard] = {}
    """Units that would delete too much together."""


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """The inventory of one Subscription as the branch keeps it."""

    fleet: str
    subscription: str
    cluster: str
    """Cluster id: the branch is named after the cluster, whose name may change."""
    entries: tuple[Entry, ...] = ()
    feed: Digest | None = None
    commit: CommitId | None = None
    orphan: bool = False


class Branch(msgspec.Struct, frozen=True):
    """One branch as it was read."""

    ref: str
    head: CommitId | None = None
    """None when there is no such branch yet."""
    inventories: Mapping[Unit, Inventory] = {}
    broken: str = ""
    """Why nothing can be delivered to it: its inventories cannot be read, or are of another fleet."""


class Prepared(msgspec.Struct, frozen=True):
    """What one branch shall become."""

    branch: Branch
    plans: tuple[Plan, ...]
    files: Mapping[str, bytes | None]
    """What changes, by path; empty when nothing does."""
    changed: frozenset[Unit]


def index_path(subscription: str) -> str:
    """Where the inventory of a Subscription (`namespace/name`) stands in a branch.

    JSON, but not named so: tools that deploy whole directories take every `.json` for a manifest.
    """
    namespace, _, name = subscription.partition("/")
    return f"{FOLDER}/{filenames.word(namespace)}.{filenames.word(name)}{SUFFIX}"


async def read_branches(mirror: Mirror, pattern: str, fleet: str) -> dict[str, Branch]:
    """The branches of a ref pattern, by ref, with their inventories."""
    heads = (await mirror.ls_remote([pattern])).refs
    heads = await mirror.fetch(heads) if heads else {}
    folders = await mirror.objects.get([f"{head}:{FOLDER}" for head in heads.values()])
    blobs: dict[str, list[BlobId]] = {}
    for ref, folder in zip(heads, folders, strict=True):
        found = reading.items_of(folder) if folder else ()
        blobs[ref] = [BlobId(item.id) for item in found if item.name.endswith(SUFFIX.encode())]
    contents = await mirror.blobs(blob for several in blobs.values() for blob in several)
    return {ref: _branch(ref, head, [contents[blob] for blob in blobs[ref]], fleet) for ref, head in heads.items()}


def _branch(ref: str, head: CommitId, contents: Iterable[bytes], fleet: str) -> Branch:
    inventories = {}
    for content in contents:
        try:
            record = msgspec.json.decode(content, type=Record)
        except msgspec.DecodeError as error:
            return Branch(ref, head, broken=f"an inventory in {ref} cannot be read: {error}")
        if record.fleet != fleet:
            return Branch(ref, head, broken=f"{ref} belongs to fleet {record.fleet!r}, not to {fleet!r}")
        unit = Unit(record.subscription, record.cluster)
        entries = {entry.key: entry for entry in record.entries}
        inventories[unit] = Inventory(
            unit, record.fleet, entries, record.feed, record.commit, orphan=record.orphan, version=head
        )
    return Branch(ref, head, inventories)


async def prepare(mirror: Mirror, branch: Branch, works: Sequence[Work], options: Options, texts: Texts) -> Prepared:
    """Plan the units of one branch, and say which of its files change."""
    if branch.broken:
        raise Refused("broken-branch", branch.broken, "remove the branch if nobody else needs it")
    there = await _files(mirror, branch) if options.verify else None
    plans: list[Plan] = []
    removed: dict[str, None] = {}
    files: dict[str, bytes | None] = {}
    changed: set[Unit] = set()
    for work in works:
        inventory = branch.inventories.get(work.unit, Inventory(work.unit, options.fleet))
        seen = {} if there is None else _seen(work.unit, inventory, there)
        decided = plan(work.unit, work.feed, inventory, seen, work.evidence)
        if guard := options.guards.get(work.unit):
            decided = budget.restrained(decided, guard)
        plans.append(decided)
        entries = _written(decided, inventory, files, removed, texts)
        feed = None if decided.guard else decided.feed
        told = (feed, decided.orphan) == (inventory.feed, inventory.orphan)
        if decided.changes or not told or entries.keys() != inventory.entries.keys():
            changed.add(work.unit)
            after = Inventory(work.unit, options.fleet, entries, feed, options.commit, orphan=decided.orphan)
            files[index_path(work.unit.subscription)] = _index(after)
    return Prepared(branch, tuple(plans), {**removed, **files}, frozenset(changed))


async def _files(mirror: Mirror, branch: Branch) -> Mapping[str, BlobId]:
    """Every file with the id that `filenames.digest` gives its content."""
    files = (await mirror.tree(branch.head)).files if branch.head else {}
    if branch.head is None or len(branch.head) == SHA1:
        return files
    contents = await mirror.blobs(files.values())
    return {path: BlobId(filenames.digest(contents[blob])) for path, blob in files.items()}


def _seen(unit: Unit, inventory: Inventory, there: Mapping[str, BlobId]) -> dict[ObjectKey, Seen]:
    seen = {}
    for key, entry in inventory.entries.items():
        blob = there.get(filenames.path_of(unit.subscription, key))
        seen[key] = Seen(exists=blob is not None, drifted=blob != entry.resource_version)
    return seen


def _written(
    decided: Plan,
    inventory: Inventory,
    files: dict[str, bytes | None],
    removed: dict[str, None],
    texts: Texts,
) -> dict[ObjectKey, Entry]:
    """Add the files of a plan; the answer is what the inventory holds afterwards."""
    entries = dict(inventory.entries)
    subscription = decided.unit.subscription
    for wave in decided.waves:
        for change in wave:
            if change.action is Action.UNCHANGED or change.wanted is None:
                continue
            content, blob = texts.of(change.wanted)
            files[filenames.path_of(subscription, change.key)] = content
            keep, digest = keep_of(change.wanted.body), change.wanted.digest
            entries[change.key] = Entry(change.key, change.api_version, digest, resource_version=blob, keep=keep)
    for wave in decided.prunes:
        for change in wave:
            removed[filenames.path_of(subscription, change.key)] = None
            entries.pop(change.key, None)
    for change in decided.kept:
        if change.released:
            entries.pop(change.key, None)
    return entries


def _index(inventory: Inventory) -> bytes | None:
    if not inventory.entries and inventory.feed is None:
        return None
    record = Record(
        fleet=inventory.fleet,
        subscription=inventory.unit.subscription,
        cluster=inventory.unit.cluster,
        entries=tuple(entry for _, entry in sorted(inventory.entries.items(), key=lambda item: item[0])),
        feed=inventory.feed,
        commit=inventory.commit,
        orphan=inventory.orphan,
    )
    return msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"
