"""Feeds that are not read from a plain file: built by kustomize, or encrypted."""

import msgspec

from reconciler.model.feed import Unit
from reconciler.model.inflation import Seal
from reconciler.model.objects import BlobId, digest_of, key_of
from reconciler.model.snapshot import NamedFeed, Place, Resource
from reconciler.render.render import render
from reconciler.scheduling.schedule import schedule
from tests.unit.snapshots import (
    NOTHING_BEFORE,
    cluster,
    cluster_id,
    config_map,
    everywhere,
    facts,
    globalization,
    override,
    place_of,
    snapshot,
    subscription,
)

EAST = cluster("east", 1)
BUILT = config_map("built", color="red")
WHERE = ("metadata", "annotations", "reconciler.clusternet.io/feeds")
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "login", "namespace": "default"},
    "data": {"password": "ENC[AES256_GCM,data:x]"},
    "sops": {"mac": "ENC[y]"},
}
SEAL = Seal("secrets/login.yaml", BlobId("1" * 40))
PAINT = globalization("g", BUILT, override("data: {color: blue}"))


def rendered(snap):
    return render(snap, schedule(snap, facts(snap), NOTHING_BEFORE), facts(snap))


def kustomized(*objects, names=("app",)):
    """A snapshot of these objects where kustomize builds `BUILT`, and Subscriptions name it."""
    snap = snapshot(EAST, *objects, *[subscription(name, [everywhere()], BUILT) for name in names])
    resource = Resource(Place("base/kustomization.yaml"), key_of(BUILT), "v1", BUILT, digest_of(BUILT))
    feeds = {name: tuple(NamedFeed(named.feed, WHERE, "base") for named in found) for name, found in snap.feeds.items()}
    return msgspec.structs.replace(snap, feeds=feeds, built={"base": {resource.key: resource}})


def sealed(*objects):
    snap = snapshot(EAST, SECRET, subscription("app", [everywhere()], SECRET), *objects)
    key = key_of(SECRET)
    resource = msgspec.structs.replace(snap.resources[key], seal=SEAL)
    return msgspec.structs.replace(snap, resources={**snap.resources, key: resource})


def test_built_object_is_delivered_and_overridden_by_its_key():
    (feed,) = rendered(kustomized(PAINT)).units.values()
    assert [found.body["data"] for found in feed.objects] == [{"color": "blue"}]


def test_built_object_of_two_subscriptions_is_told_where_the_second_one_names_it():
    (problem,) = rendered(kustomized(names=("app", "bee"))).problems
    assert (problem.rule, problem.field, problem.concerns) == ("delivered-twice", WHERE, ("default/bee",))


def test_encrypted_object_is_delivered_as_it_stands_with_the_way_to_open_it():
    (feed,) = rendered(sealed()).units.values()
    (found,) = feed.objects
    assert (found.seal, found.body, found.digest) == (SEAL, SECRET, digest_of(SECRET))


def test_override_of_an_encrypted_object_is_a_problem_and_keeps_its_unit():
    glob = globalization("g", SECRET, override("data: {password: c2VjcmV0}"))
    feeds = rendered(sealed(glob))
    (problem,) = feeds.problems
    assert (problem.rule, problem.place, problem.concerns) == ("override-encrypted", place_of(glob), ("default/app",))
    assert "c2VjcmV0" not in problem.message
    assert Unit("default/app", cluster_id(1)) not in feeds.units
