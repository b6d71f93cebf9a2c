"""What authors say about how an object is written: take-over, policies, ignored fields, recreation, drift."""

from __future__ import annotations

import json

import pytest

from reconciler.model.applying import Drift
from reconciler.model.applysettings import Apply, IgnoreFields
from reconciler.model.status import State
from tests.plugins.faults import FaultProxy
from tests.wire.apply.place import Body, Place, config, deployment, outcome, results

APPLY = "reconciler.clusternet.io/apply"
RECREATE = "reconciler.clusternet.io/recreate"
REPORT = Apply(drift=Drift.REPORT)
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def made(place: Place, body: Body, *how: str) -> None:
    place.cluster.kubectl(*(how or ("apply",)), "-f", "-", input=json.dumps(body))


def said(place: Place, name: str, value: str, **annotations: str) -> Body:
    return config(name, place.namespace, value, annotations=annotations)


def live(place: Place, plural: str, name: str, group: str = "api/v1") -> Body:
    found = place.live(plural, name, group)
    assert found is not None
    return found


def patch(place: Place, what: str, name: str, change: str, *more: str) -> None:
    place.cluster.kubectl("patch", what, name, "-n", place.namespace, "-p", change, *more)


@pytest.mark.parametrize(
    "how",
    [("apply",), ("apply", "--server-side"), ("create",), ("create", "--save-config")],
    ids=["apply", "apply --server-side", "create", "create --save-config"],
)
def test_fields_that_kubectl_left_behind_go_when_the_manifest_lacks_them(place: Place, how: tuple[str, ...]) -> None:
    body = config("a", place.namespace, "theirs", labels={"old": "yes"})
    body["data"]["gone"] = "x"
    made(place, body, *how)
    assert results(place.deliver([config("a", place.namespace, "ours")])) == {"a": "adopted"}
    there = live(place, "configmaps", "a")
    assert (there["data"], there["metadata"].get("labels")) == ({"value": "ours"}, None)
    assert LAST_APPLIED not in there["metadata"]["annotations"]
    assert {entry["manager"] for entry in there["metadata"]["managedFields"]} == {f"reconciler.{place.fleet}"}


def test_field_of_a_controller_is_refused_in_the_words_of_the_server(place: Place) -> None:
    made(place, config("a", place.namespace, "theirs"), "apply", "--server-side", "--field-manager=some-controller")
    done = place.deliver([config("a", place.namespace, "ours"), config("b", place.namespace)])
    assert results(done) == {"a": "failed", "b": "created"}
    assert outcome(done, "a").reason == "Conflict"
    assert outcome(done, "a").message == 'Apply failed with 1 conflict: conflict with "some-controller": .data.value'
    assert place.value("a") == "theirs"


def test_fields_of_others_stay_under_the_policy_merge(place: Place) -> None:
    body = config("a", place.namespace, "ours")
    body["data"]["more"] = "x"
    made(place, body)
    place.deliver([said(place, "a", "ours", **{APPLY: "Merge"})])
    assert live(place, "configmaps", "a")["data"] == {"value": "ours", "more": "x"}


def test_object_that_is_written_if_not_present_is_made_once_and_pruned(place: Place) -> None:
    once = {APPLY: "IfNotPresent"}
    assert results(place.deliver([said(place, "a", "1", **once)])) == {"a": "created"}
    done = place.deliver([said(place, "a", "2", **once)])
    assert (results(done), done.state, place.value("a")) == ({"a": "left"}, State.READY, "1")
    assert results(place.deliver(None)) == {"a": "pruned"}


def test_object_of_somebody_else_that_is_written_if_not_present_is_left_to_them(place: Place) -> None:
    made(place, config("a", place.namespace, "theirs"))
    assert results(place.deliver([said(place, "a", "1", **{APPLY: "IfNotPresent"})])) == {"a": "left"}
    assert place.inventories() == {}
    assert place.value("a") == "theirs"


def test_ignored_object_is_neither_written_nor_deleted(place: Place) -> None:
    place.deliver([config("a", place.namespace), config("b", place.namespace)])
    done = place.deliver([said(place, "a", "2", **{APPLY: "Ignore"}), config("b", place.namespace)])
    assert (results(done), place.value("a")) == ({"a": "left", "b": "unchanged"}, "1")
    assert results(place.deliver(None)) == {"b": "pruned"}
    assert place.value("a") == "1"


SCALED = Apply(ignore=(IgnoreFields(fields=("/spec/replicas",), kind="Deployment"),))


def with_label(body: Body, **labels: str) -> Body:
    return {**body, "metadata": {**body["metadata"], "labels": labels}}


def test_ignored_field_is_written_once_and_left_to_who_owns_it_then(place: Place) -> None:
    body = deployment("d", place.namespace, 0)
    place.deliver([body], apply=SCALED)
    assert live(place, "deployments", "d", "apis/apps/v1")["spec"]["replicas"] == 0
    place.cluster.kubectl("scale", "deployment", "d", "-n", place.namespace, "--replicas=2")
    place.deliver([with_label(body, more="yes")], apply=SCALED, wait=False)
    there = live(place, "deployments", "d", "apis/apps/v1")
    assert (there["spec"]["replicas"], there["metadata"]["labels"]) == (2, {"more": "yes"})


def test_ignored_field_that_only_we_own_is_kept_as_it_is(place: Place) -> None:
    body = deployment("d", place.namespace, 0)
    place.deliver([body], apply=SCALED, wait=False)
    place.deliver([with_label(deployment("d", place.namespace, 3), more="yes")], apply=SCALED, wait=False)
    there = live(place, "deployments", "d", "apis/apps/v1")
    assert (there["spec"]["replicas"], there["metadata"]["labels"]) == (0, {"more": "yes"})


def test_ignored_item_of_a_list_is_found_by_its_merge_key(place: Place) -> None:
    rule = Apply(ignore=(IgnoreFields(fields=("/spec/template/spec/containers/*/image",)),))
    body = deployment("d", place.namespace, 0)
    place.deliver([body], apply=rule, wait=False)
    place.cluster.kubectl("set", "image", "deployment/d", "main=nginx:other", "-n", place.namespace)
    place.deliver([with_label(body, more="yes")], apply=rule, wait=False)
    there = live(place, "deployments", "d", "apis/apps/v1")
    assert there["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:other"
    assert there["metadata"]["labels"] == {"more": "yes"}


def test_drift_in_an_ignored_field_is_no_drift(place: Place) -> None:
    body = deployment("d", place.namespace, 0)
    place.deliver([body], apply=SCALED)
    place.cluster.kubectl("scale", "deployment", "d", "-n", place.namespace, "--replicas=2")
    done = place.deliver([body], apply=SCALED, check_drift=True, wait=False)
    assert results(done) == {"d": "unchanged"}
    assert live(place, "deployments", "d", "apis/apps/v1")["spec"]["replicas"] == 2


def selecting(place: Place, app: str, **annotations: str) -> Body:
    body = deployment("d", place.namespace, 0)
    labels = {"app": app}
    body["metadata"]["annotations"] = annotations
    template = {**body["spec"]["template"], "metadata": {"labels": labels}}
    body["spec"] = {**body["spec"], "selector": {"matchLabels": labels}, "template": template}
    return body


def test_immutable_field_is_refused_with_the_way_to_allow_it(place: Place) -> None:
    place.deliver([selecting(place, "one")])
    uid = live(place, "deployments", "d", "apis/apps/v1")["metadata"]["uid"]
    refused = outcome(place.deliver([selecting(place, "two")]), "d")
    assert refused.reason == "Immutable"
    assert "field is immutable" in refused.message
    assert f"`{RECREATE}: enabled` on it" in refused.message
    assert live(place, "deployments", "d", "apis/apps/v1")["metadata"]["uid"] == uid


@pytest.mark.parametrize("by", ["annotation", "settings"])
def test_object_is_made_anew_where_that_is_allowed(place: Place, by: str) -> None:
    place.deliver([selecting(place, "one")])
    uid = live(place, "deployments", "d", "apis/apps/v1")["metadata"]["uid"]
    words = {RECREATE: "enabled"} if by == "annotation" else {}
    done = place.deliver([selecting(place, "two", **words)], apply=Apply(recreate=by == "settings"))
    assert (results(done), done.state) == ({"d": "replaced"}, State.READY)
    there = live(place, "deployments", "d", "apis/apps/v1")
    assert there["metadata"]["uid"] != uid
    assert there["spec"]["selector"] == {"matchLabels": {"app": "two"}}
    assert results(place.deliver(None)) == {"d": "pruned"}


def test_immutable_secret_is_made_anew_although_its_refusal_is_masked(place: Place) -> None:
    def secret(value: str) -> Body:
        metadata = {"name": "s", "namespace": place.namespace, "annotations": {RECREATE: "enabled"}}
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "stringData": {"v": value},
            "immutable": True,
        }

    place.deliver([secret("one")])
    assert results(place.deliver([secret("two")])) == {"s": "replaced"}


def test_claim_is_never_made_anew(place: Place) -> None:
    def claim(mode: str) -> Body:
        metadata = {"name": "c", "namespace": place.namespace, "annotations": {RECREATE: "enabled"}}
        spec = {
            "accessModes": [mode],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": "none",
        }
        return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}

    place.deliver([claim("ReadWriteOnce")], wait=False)
    refused = outcome(place.deliver([claim("ReadOnlyMany")], wait=False), "c")
    assert refused.reason == "Immutable"
    assert "a PersistentVolumeClaim is never deleted to be made anew" in refused.message


def test_drift_is_only_reported_where_that_is_asked_for(place: Place) -> None:
    bodies = [config("a", place.namespace), config("b", place.namespace), config("c", place.namespace)]
    place.deliver(bodies)
    patch(place, "configmap", "a", '{"data":{"value":"theirs"}}')
    place.cluster.kubectl("delete", "configmap", "b", "-n", place.namespace)
    done = place.deliver(bodies, check_drift=True, apply=REPORT)
    assert (results(done), done.state) == ({"a": "drifted", "b": "drifted", "c": "unchanged"}, State.DRIFTED)
    assert outcome(done, "a").message == "somebody changed data.value"
    assert outcome(done, "b").message == "somebody deleted it"
    assert (place.value("a"), place.value("b")) == ("theirs", None)


def test_touched_object_that_is_as_we_want_it_is_not_written(behind: Place, proxy: FaultProxy) -> None:
    body = config("a", behind.namespace)
    behind.deliver([body])
    patch(behind, "configmap", "a", '{"data":{"value":"theirs"}}')
    patch(behind, "configmap", "a", '{"data":{"value":"1"}}')
    before = proxy.requests()
    done = behind.deliver([body], check_drift=True)
    writes = [path for method, path in (proxy.requests() - before).elements() if method != "GET"]
    assert results(done) == {"a": "unchanged"}
    assert [("dryRun=All" in path) for path in writes] == [True]
    patch(behind, "configmap", "a", '{"data":{"value":"again"}}')
    assert results(behind.deliver([body], check_drift=True)) == {"a": "changed"}
