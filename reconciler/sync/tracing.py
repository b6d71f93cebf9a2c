"""The way of one object on one cluster, for `explain`: only that unit is rendered, whatever the size of the fleet.

The whole fleet is scheduled, because Subscriptions share clusters; then the one Subscription is rendered for the one
cluster, and its way told. Charts and templates are asked for as a delivery would ask.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import msgspec

from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.feed import Unit
from reconciler.model.inflation import Answer, Wanted
from reconciler.model.objects import ObjectKey
from reconciler.model.placement import Placement, Schedule, Scheduled
from reconciler.model.snapshot import Snapshot
from reconciler.render.contents import Contents
from reconciler.render.fingerprints import secret_texts
from reconciler.render.ground import Ground, prepared
from reconciler.render.inflations import inflations
from reconciler.render.kinds import chart_named_by
from reconciler.render.trace import Chain, Sort, at, changes, named, trace
from reconciler.scheduling.explain import explain
from reconciler.scheduling.schedule import schedule
from reconciler.sync import divisions, inflate, previous, reading
from reconciler.sync.kindnames import Reference, matches


class Question(msgspec.Struct, frozen=True):
    """What `explain` was asked."""

    cluster: str
    """Name or id."""
    object: Reference
    subscription: str = ""
    """`namespace/name` or a bare name; empty for whichever delivers it."""


class Traced(msgspec.Struct, frozen=True):
    """What is known of one object."""

    chain: Chain
    cluster: ClusterFacts
    values: Mapping[str, Any]
    """What the texts of overrides mean, by text."""
    schedule: tuple[str, ...]
    """Why the Subscription goes there, and with which replicas: lines for people."""
    division: str
    """The arithmetic of its replicas; empty where they are not divided by weight."""
    secrets: frozenset[str]
    """Values of the Secrets among what the unit delivers, which must not be shown."""


class _Candidate(msgspec.Struct, frozen=True):
    unit: Unit
    placement: Placement
    schedule: Schedule
    """Of this unit alone."""


async def traced(ground: reading.Ground, question: Question) -> Traced:
    """The way of the object that is asked for. UsageError when the cluster does not get exactly one such object."""
    snapshot = ground.snapshot
    cluster = _cluster(ground.facts, question.cluster)
    status = await ground.before() if previous.matters(snapshot) else ground.nothing
    scheduled = schedule(snapshot, ground.facts, status)
    candidates = list(_candidates(scheduled, cluster, question.subscription))
    facts = {cluster.id: cluster}
    found = [(one, key) for one in candidates for key in _named(snapshot, one, facts) if matches(question.object, key)]
    if not found:
        found = [
            hit for one in candidates if _has_charts(snapshot, one) for hit in await _made(ground, one, facts, question)
        ]
    candidate, key = _only(found, question, cluster)
    prepared_for = await _answered(ground, candidate, facts)
    chain = trace(prepared_for, candidate.unit, candidate.placement, key)
    if chain is None:
        message = f"{key} cannot be rendered for {cluster.name}"
        raise ReconcilerError("not-rendered", message, "reconciler check shows why")
    told = explain(snapshot, ground.facts, status, scheduled, candidate.unit.subscription, cluster.id)
    divided = _divided(chain, candidate)
    arithmetic = ""
    if divided is not None:
        whole = scheduled.subscriptions[candidate.unit.subscription]
        arithmetic = divisions.by_weight(snapshot, ground.facts, whole, cluster.id, divided)
    secrets = _secrets(prepared_for, candidate)
    return Traced(chain, cluster, prepared_for.filling.values, told.lines, arithmetic, secrets)


def _divided(chain: Chain, candidate: _Candidate) -> tuple[int, int] | None:
    """Replicas before and after dividing."""
    for before, after in pairwise(chain.moments):
        if after.sort is Sort.DIVISION:
            changed = changes(before.body, after.body)
            counts = [(at(before.body, path), value) for path, value in changed.items()]
            same = next(iter(candidate.placement.replicas.values()), 0)
            return next(((b, a) for b, a in counts if isinstance(b, int) and isinstance(a, int)), (same, same))
    return None


def _cluster(facts: Mapping[str, ClusterFacts], name: str) -> ClusterFacts:
    found = facts.get(name) or next((one for one in facts.values() if one.name == name), None)
    if found is None:
        from difflib import get_close_matches

        near = get_close_matches(name, [one.name for one in facts.values()], n=1)
        hint = f"did you mean {near[0]}?" if near else "reconciler schedule names the clusters"
        raise UsageError("unknown-cluster", f"no cluster {name} in this fleet", hint)
    return found


def _candidates(scheduled: Schedule, cluster: ClusterFacts, subscription: str) -> Iterator[_Candidate]:
    for name, one in sorted(scheduled.subscriptions.items()):
        placement = next((p for p in one.placements if p.cluster == cluster.id), None)
        if placement is not None and subscription in ("", name, name.partition("/")[2]):
            alone = Schedule({name: Scheduled(name, (placement,))})
            yield _Candidate(Unit(name, cluster.id), placement, alone)


def _named(snapshot: Snapshot, one: _Candidate, facts: Mapping[str, ClusterFacts]) -> list[ObjectKey]:
    ground = prepared(snapshot, one.schedule, facts)
    return list(named(Contents(one.unit.subscription, ground)))


def _has_charts(snapshot: Snapshot, one: _Candidate) -> bool:
    return any(chart_named_by(feed.feed, snapshot) for feed in snapshot.feeds[one.unit.subscription])


async def _made(
    ground: reading.Ground, one: _Candidate, facts: Mapping[str, ClusterFacts], question: Question
) -> list[tuple[_Candidate, ObjectKey]]:
    """The objects among those that charts make."""
    contents = Contents(one.unit.subscription, await _answered(ground, one, facts))
    variant = contents.variant(one.placement)
    objects = (*(variant.objects or ()), *variant.aside)
    return [(one, key) for key in dict.fromkeys(found.key for found in objects) if matches(question.object, key)]


async def _answered(ground: reading.Ground, one: _Candidate, facts: Mapping[str, ClusterFacts]) -> Ground:
    """The unit on what programs outside answer for it."""
    tools = ground.library.tools.at(ground.tree.files)
    answers: dict[Wanted, Answer] = {}
    while wanted := inflations(ground.snapshot, one.schedule, facts, answers):
        answers.update(await inflate.answers(tools, ground.snapshot.settings, wanted))
    return prepared(ground.snapshot, one.schedule, facts, answers)


def _only(
    found: list[tuple[_Candidate, ObjectKey]], question: Question, cluster: ClusterFacts
) -> tuple[_Candidate, ObjectKey]:
    if not found:
        hint = f"reconciler render --cluster {cluster.name} -o name lists what it gets"
        raise UsageError("no-such-object", f"{cluster.name} gets no {question.object}", hint)
    if len({key for _, key in found}) > 1:
        told = ", ".join(str(key) for key in sorted({key for _, key in found})[:4])
        raise UsageError(
            "several-objects", f"{question.object} is several objects: {told}", "name one with -n or KIND.GROUP/NAME"
        )
    if len(found) > 1:
        told = ", ".join(one.unit.subscription for one, _ in found)
        raise UsageError("several-subscriptions", f"{found[0][1]} is in {told}", "name one with --subscription")
    return found[0]


def _secrets(ground: Ground, candidate: _Candidate) -> frozenset[str]:
    variant = Contents(candidate.unit.subscription, ground).variant(candidate.placement)
    return secret_texts(found.body for found in (*(variant.objects or ()), *variant.aside))
