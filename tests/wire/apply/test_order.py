"""Order on a real cluster: references, waves, dependencies between Subscriptions; what users of gitops-engine see."""

from __future__ import annotations

from typing import Any

import msgspec

from reconciler.model.applying import Wishes
from reconciler.model.plan import Work
from reconciler.model.status import Delivered, State
from tests.wire.apply.place import Body, Place, config, custom, definition, deployment, outcome, results, secret, space

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
