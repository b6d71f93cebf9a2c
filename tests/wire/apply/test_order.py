"""Order on a real cluster: references, waves, dependencies between Subscriptions; what users of gitops-engine see."""

from __future__ import annotations

from typing import Any

import msgspec

from reconciler.model.applying import Wishes
from reconciler.model.plan import Work
from reconciler.model.status import Delivered, State
from tests.wire.apply.place import (
    CLEAN,
    Body,
    Place,
    config,
    custom,
    definition,
    deployment,
    outcome,
    results,
    secret,
    space,
)

WAVE = "argocd.argoproj.io/sync-wave"


def waved(body: Body, wave: int) -> Body:
    return {**body, "metadata": {**body["metadata"], "annotations": {WAVE: str(wave)}}}


def order_of(place: Place) -> list[str]:
    """Names in the order in which they were written or deleted."""
    return [event.outcome.key.name for event in place.events]


def test_what_a_workload_names_is_answered_before_the_workload_is_sent(place: Place) -> None:
    spaced = place.namespace
    volumes = [{"name": "c", "configMap": {"name": "conf"}}, {"name": "s", "secret": {"secretName": "sec"}}]
    web = deployment("web", spaced, 0, volumes=volumes, serviceAccountName="acc")
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "acc", "namespace": spaced}}
    done = place.deliver([web, config("conf", spaced), secret("sec", spaced, "x"), account], wait=False)
    assert done.state is State.DELIVERED
    assert order_of(place)[-1] == "web"


def test_waves_are_written_from_low_to_high_and_deleted_from_high_to_low(place: Place) -> None:
    some = [waved(config(name, place.namespace), wave) for name, wave in (("c", 2), ("a", -1), ("b", 0))]
    assert place.deliver(some).state is State.READY
    assert order_of(place) == ["a", "b", "c"]
    place.events.clear()
    assert place.deliver(None).state is State.READY
    assert order_of(place) == ["c", "b", "a"]


def test_wave_starts_only_when_the_one_before_is_healthy(place: Place) -> None:
    slow = waved(deployment("slow", place.namespace, nodeSelector={"nowhere": "true"}), -1)
    done = place.deliver([slow, config("late", place.namespace)], timeout=2.0)
    assert done.state is State.PROGRESSING
    assert results(done) == {"slow": "created", "late": "skipped"}
    assert "slow is not ready" in outcome(done, "late").message
    assert place.value("late") is None
    again = place.deliver([slow, config("late", place.namespace)], timeout=2.0)
    assert results(again) == {"slow": "unchanged", "late": "skipped"}
    healthy = {**slow, "spec": {**slow["spec"], "replicas": 0}}
    done = place.deliver([healthy, config("late", place.namespace)])
    assert (done.state, results(done)) == (State.READY, {"slow": "changed", "late": "created"})


def test_failed_wave_stops_later_ones_and_not_its_own(place: Place) -> None:
    broken = waved(config("Not-A-Name", place.namespace), -1)
    beside = waved(config("beside", place.namespace), -1)
    done = place.deliver([broken, beside, config("late", place.namespace)])
    assert done.state is State.FAILED
    assert results(done) == {"Not-A-Name": "failed", "beside": "created", "late": "skipped"}


def test_namespace_and_definition_are_pulled_ahead_of_waves_that_need_them(place: Place) -> None:
    name, group = f"{place.namespace}-w", f"{place.namespace}.example.com"
    gear = waved(custom(group, "Gear", "early", name), -5)
    try:
        done = place.deliver([gear, waved(space(name), 3), waved(definition(group, "Gear"), 4)])
        assert done.state is State.READY, done
        assert order_of(place)[-1] == "early"
    finally:
        place.cluster.kubectl("delete", "crd", f"gears.{group}", "--ignore-not-found", "--wait=false")
        place.cluster.kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=false")


def test_interceptor_is_not_written_while_nobody_serves_it(place: Place) -> None:
    spaced = place.namespace
    backend = deployment("guard", spaced, nodeSelector={"nowhere": "true"})
    ports = [{"port": 443}]
    metadata = {"name": "guard", "namespace": spaced}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"selector": {"app": "guard"}}}
    service["spec"] = {"selector": {"app": "guard"}, "ports": ports}
    hook: dict[str, Any] = {
        "name": "guard.example.com",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"service": {"namespace": spaced, "name": "guard"}},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": f"{spaced}-nobody"}},
    }
    version = "admissionregistration.k8s.io/v1"
    kind = "ValidatingWebhookConfiguration"
    guard = {"apiVersion": version, "kind": kind, "metadata": {"name": spaced}, "webhooks": [hook]}
    done = place.deliver([guard, service, backend], timeout=2.0)
    assert results(done)[spaced] == "skipped"
    assert done.state is State.PROGRESSING
    listed = place.cluster.kubectl("get", kind.lower(), spaced, "--ignore-not-found")
    assert listed == ""


def after(place: Place, names: list[str], first: list[Body], second: list[Body], **options: Any) -> list[Delivered]:
    """Two Subscriptions, `default/second` depends on `names`."""
    works = [place.work(first, subscription="default/first"), place.work(second, subscription="default/second")]
    works[1] = msgspec.structs.replace(works[1], wishes=Wishes(after=tuple(names)))
    return list(place.deliver_all(works, **options))


def test_subscription_waits_until_the_one_that_it_depends_on_is_ready(place: Place) -> None:
    spaced = place.namespace
    one, two = after(place, ["default/first"], [config("a", spaced)], [config("b", spaced)])
    assert (one.state, two.state) == (State.READY, State.READY)
    assert order_of(place) == ["a", "b"]


def test_subscription_whose_dependency_fails_is_left_untouched_and_tried_again(place: Place) -> None:
    spaced = place.namespace
    one, two = after(place, ["default/first"], [config("Not-A-Name", spaced)], [config("b", spaced)])
    assert (one.state, two.state) == (State.FAILED, State.PROGRESSING)
    assert two.message == "waits for default/first, which is Failed"
    assert (two.outcomes, two.feed, place.value("b")) == ((), None, None)
    _, two = after(place, ["default/first"], [config("a", spaced)], [config("b", spaced)])
    assert two.state is State.READY
    assert place.value("b") == "1"


def test_subscription_that_nobody_waits_for_counts_when_it_is_delivered(place: Place) -> None:
    slow = deployment("slow", place.namespace, nodeSelector={"nowhere": "true"})
    one, two = after(place, ["default/first"], [slow], [config("b", place.namespace)], wait=False)
    assert (one.state, two.state) == (State.DELIVERED, State.DELIVERED)


def test_dependency_that_this_run_does_not_deliver_holds_by_what_the_status_says(place: Place) -> None:
    work = place.work([config("b", place.namespace)])
    held: Work = msgspec.structs.replace(work, wishes=Wishes(after=("x/y",)), waits={"x/y": "is Failed"})
    (done,) = place.deliver_all([held])
    assert (done.state, done.message) == (State.PROGRESSING, "waits for x/y, which is Failed")
    assert place.value("b") is None


BOTH = ("default/first", "default/second")


def together(place: Place, first: list[Body] | None, second: list[Body] | None, **options: Any) -> list[Delivered]:
    """As `after`, where either may go; what is precious is not asked about."""
    evidence = msgspec.structs.replace(CLEAN, guarded=False)
    works = [place.work(bodies, evidence, name) for name, bodies in zip(BOTH, (first, second), strict=True)]
    works[1] = msgspec.structs.replace(works[1], wishes=Wishes(after=("default/first",)))
    place.events.clear()
    return list(place.deliver_all(works, **options))


def stuck(name: str, namespace: str) -> Body:
    return config(name, namespace, finalizers=["example.com/stuck"])


def unstick(place: Place, name: str) -> None:
    place.cluster.kubectl(
        "patch", "configmap", name, "-n", place.namespace, "--type=merge", "-p", '{"metadata":{"finalizers":null}}'
    )


def test_subscription_that_goes_is_deleted_before_the_one_that_it_depends_on(place: Place) -> None:
    spaced = place.namespace
    together(place, [config("a", spaced)], [config("b", spaced), config("c", spaced)])
    assert {one.state for one in together(place, None, None)} == {State.READY}
    assert order_of(place)[-1] == "a"
    assert place.inventories() == {}


def test_what_others_depend_on_stays_until_the_finalizers_of_those_are_gone(place: Place) -> None:
    spaced = place.namespace
    together(place, [config("a", spaced)], [stuck("b", spaced)])
    one, two = together(place, None, None, timeout=2.0)
    assert outcome(two, "b").message == "is being deleted, waits for example.com/stuck"
    assert (one.state, one.outcomes) == (State.PROGRESSING, ())
    assert one.message == "waits for default/second, which depends on it and still has what it shall lose"
    assert place.value("a") == "1"
    unstick(place, "b")
    assert {one.state for one in together(place, None, None)} == {State.READY}
    assert place.inventories() == {}


def test_object_leaves_a_subscription_when_those_that_depend_on_it_have_changed_and_deleted(place: Place) -> None:
    spaced = place.namespace
    together(place, [config("a", spaced), config("used", spaced)], [config("b", spaced), config("user", spaced)])
    one, two = together(place, [config("a", spaced, "2")], [config("b", spaced, "2")])
    assert (one.state, two.state) == (State.READY, State.READY)
    assert order_of(place) == ["a", "b", "user", "used"]


def test_object_stays_in_a_subscription_while_one_that_depends_on_it_cannot_change(place: Place) -> None:
    spaced = place.namespace
    together(place, [config("a", spaced), config("used", spaced)], [config("b", spaced), config("user", spaced)])
    one, two = together(place, [config("a", spaced, "2")], [config("Not-A-Name", spaced)])
    assert (one.state, two.state) == (State.PROGRESSING, State.FAILED)
    assert results(one) == {"a": "changed", "used": "kept"}
    assert outcome(one, "used").message.startswith("waits for default/second, which depends on it")
    assert place.value("used") == "1"
    together(place, [config("a", spaced, "2")], [])
    assert place.value("used") is None


def test_deletes_of_subscriptions_in_a_circle_wait_for_nobody(place: Place) -> None:
    spaced = place.namespace
    together(place, [config("a", spaced)], [config("b", spaced)])
    works = [place.work(None, msgspec.structs.replace(CLEAN, guarded=False), name) for name in BOTH]
    circle = [Wishes(after=(BOTH[1],)), Wishes(after=(BOTH[0],))]
    works = [msgspec.structs.replace(work, wishes=wish) for work, wish in zip(works, circle, strict=True)]
    assert {one.state for one in place.deliver_all(works)} == {State.READY}
    assert place.inventories() == {}
