"""What somebody changed on the cluster, in the server's own words: a dry-run apply, compared with what is there.

Asked only about objects whose fields of ours are not those of our last write. Defaults, statuses and fields of others
come out alike on both sides, so that they are no drift.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from reconciler.adapters.kube.client import Client
from reconciler.apply import observe, ownership
from reconciler.apply.gather import each_of
from reconciler.model.applysettings import IgnoreFields
from reconciler.model.errors import ApiError
from reconciler.model.feed import RenderedObject
from reconciler.model.inventory import Entry
from reconciler.model.objects import Object, ObjectKey
from reconciler.model.plan import Action, Approach, Change, Seen
from reconciler.planning import differences, ignored

Live = Mapping[ObjectKey, Object]
"""Whole objects as they are on the cluster."""


class Touched(msgspec.Struct, frozen=True):
    """An object whose fields of ours are not those of our last write; in plaintext."""

    wanted: RenderedObject
    seen: Seen
    entry: Entry


async def judged(
    client: Client, touched: Sequence[Touched], approach: Approach, subscription: str
) -> dict[ObjectKey, Seen]:
    """What was seen, with what an apply would change. One LIST per collection, one dry run per object."""
    about = observe.asked((one.wanted.api_version, one.wanted.key) for one in touched)
    observed = await observe.look(client, about, whole=True)
    answers = await each_of(lambda one: _judge(client, one, observed, approach, subscription), touched)
    return {one.wanted.key: seen for one, seen in zip(touched, answers, strict=True)}


async def _judge(
    client: Client, one: Touched, observed: observe.Observed, approach: Approach, subscription: str
) -> Seen:
    key, live = one.wanted.key, observed.objects.get(one.wanted.key)
    if live is None:
        return one.seen if observed.errors else Seen(exists=False)
    try:
        resource = await client.resource(one.wanted.api_version, key.kind)
        change = Change(Action.CHANGE, key, one.wanted.api_version, one.wanted, one.entry)
        body = sent(change, live, approach, subscription)
        path = resource.path(key.namespace, key.name)
        answer = (await client.apply(path, body, approach.manager, force=True, dry_run=True)).object
    except ApiError:
        return one.seen  # the write will be refused in the server's words
    differs = differences.paths(live, answer)
    metadata = live["metadata"]
    if differs:
        return msgspec.structs.replace(one.seen, drifted=True, differs=differs)
    fields = ownership.mark_of(metadata, approach.manager).fields
    kept = fields == ownership.mark_of(answer["metadata"], approach.manager).fields
    return msgspec.structs.replace(
        one.seen, drifted=False, fields=fields if kept else "", resource_version=metadata["resourceVersion"]
    )


def sent(change: Change, live: Object | None, approach: Approach, subscription: str, uid: str = "") -> Object:
    """What is applied of the wanted object where this one is live: fields that others own are left alone."""
    wanted = change.wanted
    if wanted is None:
        raise AssertionError(f"{change.action} of {change.key} has no object")
    hidden = wanted.seal is not None
    body = ownership.body(wanted.body, approach.description, uid, hidden=hidden, adopted=change.adopted)
    pointers = ignored_of(wanted, subscription, approach.apply.ignore) if live is not None else ()
    return ignored.adjusted(body, live, approach.manager, pointers) if live is not None and pointers else body


async def live_of(client: Client, changes: Iterable[Change], subscription: str, rules: Sequence[IgnoreFields]) -> Live:
    """The objects of which some fields are left alone when these changes are written: one LIST per collection."""
    there = (c for c in changes if c.wanted and (c.entry or c.contact) and ignored_of(c.wanted, subscription, rules))
    about = observe.asked((change.api_version, change.key) for change in there) if rules else {}
    observed = await observe.look(client, about, whole=True)
    for error in observed.errors.values():
        raise error
    return observed.objects


def ignored_of(wanted: RenderedObject, subscription: str, rules: Sequence[IgnoreFields]) -> tuple[str, ...]:
    """The pointers of the fields of an object that are left alone."""
    return ignored.pointers_for(wanted, subscription, rules) if rules else ()
