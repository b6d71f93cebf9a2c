"""Hooks of charts on a real cluster: phases, order, failure, kills, what is left behind. The tests end the Jobs."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from reconciler.model.feed import RenderedObject
from reconciler.model.inflation import Role
from reconciler.model.objects import digest_of, key_of
from reconciler.model.plan import Work
from reconciler.model.status import Delivered, State
from reconciler.registry.names import digest_key
from tests.wire.apply.place import CLEAN, Body, Place, config, feed_of, outcome, results, space

CHART = "default/shop"


def job(name: str, namespace: str, events: str, **policies: str) -> Body:
    nowhere = {"kubernetes.io/hostname": "nowhere"}  # nodes of other tests must not run it
    container = {"name": "main", "image": "busybox:1.37.0"}
    pod = {"restartPolicy": "Never", "nodeSelector": nowhere, "containers": [container]}
    annotations = {"helm.sh/hook": events, **{f"helm.sh/hook-{name}": text for name, text in policies.items()}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations},
        "spec": {"backoffLimit": 0, "suspend": False, "template": {"spec": pod}},
    }


def hook_config(name: str, namespace: str, events: str, **policies: str) -> Body:
    annotations = {"helm.sh/hook": events, **{f"helm.sh/hook-{name}": text for name, text in policies.items()}}
    return config(name, namespace, annotations=annotations)


def charted(place: Place, bodies: Sequence[Body], hooks: Sequence[Body]) -> Work:
    feed = feed_of(place.unit, bodies)
    objects = tuple(msgspec.structs.replace(one, chart=CHART) for one in feed.objects)
    aside = tuple(
        RenderedObject(key_of(body), body["apiVersion"], body, digest_of(body), Role.HOOK, chart=CHART)
        for body in hooks
    )
    digest = digest_of([feed.digest, [one.digest for one in aside]])
    return Work(place.unit, msgspec.structs.replace(feed, objects=objects, aside=aside, digest=digest), CLEAN)


def deliver(place: Place, bodies: Sequence[Body], hooks: Sequence[Body], **options: Any) -> Delivered:
    (done,) = place.deliver_all([charted(place, bodies, hooks)], **options)
    return done


def end(place: Place, name: str, how: str = "Complete") -> None:
    """Let a Job end as its controller would, once it is there."""
    deadline = time.monotonic() + 60
    while not ((place.live("jobs", name, "apis/batch/v1") or {}).get("status") or {}).get("startTime"):
        assert time.monotonic() < deadline, f"no Job {name} that its controller has begun"
        time.sleep(0.05)
    early = "SuccessCriteriaMet" if how == "Complete" else "FailureTarget"
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    conditions = [
        {"type": kind, "status": "True", "reason": "Test", "message": "no luck", "lastTransitionTime": now}
        for kind in (early, how)
    ]
    status: dict[str, Any] = {"conditions": conditions, "active": 0, "terminating": 0, "ready": 0}
    status |= {"completionTime": now, "succeeded": 1} if how == "Complete" else {"failed": 1}
    patch = json.dumps({"status": status})
    place.cluster.kubectl(
        "patch", "job", name, "-n", place.namespace, "--subresource=status", "--type=merge", "-p", patch
    )


class Ending:
    """Ends Jobs in the background, in the order in which they come."""

    def __init__(self, place: Place, *names: str, how: str = "Complete") -> None:
        self.there: list[set[str]] = []
        self._thread = threading.Thread(target=self._end, args=(place, names, how), daemon=True)

    def _end(self, place: Place, names: Sequence[str], how: str) -> None:
        for name in names:
            deadline = time.monotonic() + 60
            while place.live("jobs", name, "apis/batch/v1") is None and time.monotonic() < deadline:
                time.sleep(0.05)
            listed = json.loads(place.cluster.kubectl("get", "configmaps,jobs", "-n", place.namespace, "-o", "json"))
            self.there.append({item["metadata"]["name"] for item in listed["items"]})
            end(place, name, how)

    def __enter__(self) -> Ending:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(70)
        assert not self._thread.is_alive()


def inventory_names(place: Place) -> set[str]:
    held = place.inventory()
    return {key.name for key in held.entries} if held else set()


def test_phases_of_a_chart_run_around_its_objects_and_again_only_when_it_changes(place: Place) -> None:
    spaced = place.namespace
    some = [
        job("before", spaced, "pre-install,pre-upgrade"),
        job("after", spaced, "post-install", **{"delete-policy": "hook-succeeded"}),
    ]
    with Ending(place, "before", "after") as ending:
        done = deliver(place, [config("page", spaced)], some)
    assert (done.state, results(done)) == (State.READY, {"page": "created"})
    assert "page" not in ending.there[0]
    assert "page" in ending.there[1]
    assert place.live("jobs", "after", "apis/batch/v1") is None
    first = place.live("jobs", "before", "apis/batch/v1")
    assert first is not None
    assert inventory_names(place) == {"page", "before"}
    again = deliver(place, [config("page", spaced)], some)
    assert (again.state, results(again)) == (State.READY, {"page": "unchanged"})
    with Ending(place, "before"):
        time.sleep(0)
        place.cluster.kubectl("delete", "job", "before", "-n", spaced)
        changed = deliver(place, [config("page", spaced, "2")], some)
    assert (changed.state, results(changed)) == (State.READY, {"page": "changed"})
    second = place.live("jobs", "before", "apis/batch/v1")
    assert second is not None
    assert second["metadata"]["uid"] != first["metadata"]["uid"]


def test_hook_that_fails_stops_the_rest_and_is_made_anew_by_the_next_run(place: Place) -> None:
    some = [job("before", place.namespace, "pre-install")]
    page = config("page", place.namespace)
    with Ending(place, "before", how="Failed"):
        done = deliver(place, [page], some)
    assert done.state is State.FAILED
    assert results(done) == {"before": "failed", "page": "skipped"}
    told = outcome(done, "before")
    assert told.reason == "HookFailed"
    assert told.message.startswith("the pre-install hook of the HelmChart default/shop failed: ")
    assert place.value("page") is None
    failed = place.live("jobs", "before", "apis/batch/v1")
    assert failed is not None
    thread = threading.Thread(target=_end_another, args=(place, "before", failed["metadata"]["uid"]), daemon=True)
    thread.start()
    done = deliver(place, [page], some)
    thread.join(70)
    assert (done.state, results(done)) == (State.READY, {"page": "created"})


def _end_another(place: Place, name: str, uid: str) -> None:
    deadline = time.monotonic() + 60
    live = None
    while (live is None or live["metadata"]["uid"] == uid) and time.monotonic() < deadline:
        live = place.live("jobs", name, "apis/batch/v1")
        time.sleep(0.05)
    end(place, name)


def test_hook_that_still_runs_is_waited_for_again_and_not_made_anew(place: Place) -> None:
    some = [job("slow", place.namespace, "pre-install")]
    page = config("page", place.namespace)
    done = deliver(place, [page], some, timeout=1.0)
    assert done.state is State.PROGRESSING
    assert outcome(done, "slow").reason == "HookRunning"
    assert place.value("page") is None
    running = place.live("jobs", "slow", "apis/batch/v1")
    assert running is not None
    end(place, "slow")
    done = deliver(place, [page], some)
    assert (done.state, results(done)) == (State.READY, {"page": "created"})
    ended = place.live("jobs", "slow", "apis/batch/v1")
    assert ended is not None
    assert ended["metadata"]["uid"] == running["metadata"]["uid"]


def test_namespace_of_a_chart_is_there_before_its_first_hook(place: Place) -> None:
    name = f"{place.namespace}-own"
    hook = hook_config("seed", name, "pre-install")
    try:
        done = deliver(place, [space(name), config("page", name)], [hook])
        assert (done.state, results(done)) == (State.READY, {name: "created", "page": "created"})
        assert "seed" in inventory_names(place)
    finally:
        place.cluster.kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=false")


def secrets(place: Place) -> list[str]:
    found = json.loads(place.cluster.kubectl("get", "secrets", "-n", place.namespace, "-o", "json"))
    return [item["metadata"]["name"] for item in found["items"]]


def test_hooks_of_deletes_run_after_the_chart_has_left_the_repo_and_nothing_stays(place: Place) -> None:
    spaced = place.namespace
    some = [job("goodbye", spaced, "pre-delete"), hook_config("gone", spaced, "post-delete")]
    done = deliver(place, [config("page", spaced)], some)
    assert done.state is State.READY
    assert [name.endswith("-hooks") for name in sorted(secrets(place))] == [False, True]
    assert place.live("jobs", "goodbye", "apis/batch/v1") is None
    with Ending(place, "goodbye") as ending:
        done = place.deliver(None)
    assert (done.state, results(done)) == (State.READY, {"page": "pruned"})
    assert "page" in ending.there[0]
    assert place.live("jobs", "goodbye", "apis/batch/v1") is None
    assert place.value("gone") is None
    assert place.inventory() is None
    assert secrets(place) == [digest_key(place.fleet)]


def test_hook_never_takes_an_object_of_somebody_else(place: Place) -> None:
    theirs = config("seed", place.namespace, "theirs")
    place.cluster.kubectl("create", "-f", "-", input=json.dumps(theirs))
    done = deliver(place, [config("page", place.namespace)], [hook_config("seed", place.namespace, "pre-install")])
    assert done.state is State.FAILED
    assert "is there already" in outcome(done, "seed").message
    assert place.value("seed") == "theirs"
    assert place.value("page") is None


def test_what_a_killed_run_left_of_hooks_goes_with_the_chart(place: Place) -> None:
    some = [job("slow", place.namespace, "pre-install")]
    work = charted(place, [config("page", place.namespace)], some)

    def cut() -> None:
        with pytest.raises(TimeoutError):
            asyncio.run(_cut_short(place, work))

    cut()
    assert place.live("jobs", "slow", "apis/batch/v1") is not None
    assert inventory_names(place) >= {"slow"}
    done = place.deliver([config("page", place.namespace)])
    assert done.state is State.READY
    assert place.live("jobs", "slow", "apis/batch/v1") is None
    assert inventory_names(place) == {"page"}


async def _cut_short(place: Place, work: Work) -> None:
    from reconciler.apply.foresee import nothing
    from tests.wire.apply.place import deliver as over

    async with asyncio.timeout(60):
        task = asyncio.create_task(
            over(place.connection, place.facts, [work], (place.options(), place.events.append, nothing))
        )
        while not task.done():
            await asyncio.sleep(0.1)
            if await asyncio.to_thread(place.live, "jobs", "slow", "apis/batch/v1"):
                task.cancel()
                break
        await asyncio.gather(task, return_exceptions=True)
        raise TimeoutError
