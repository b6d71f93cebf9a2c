"""Looking at what we own: what counts as drift, and what does not."""

from __future__ import annotations

from reconciler.model.status import State
from tests.plugins.faults import FaultProxy
from tests.wire.apply.place import Place, config, deployment, results


def test_nobody_looks_without_being_asked(place: Place) -> None:
    place.deliver([config("a", place.namespace)])
    place.cluster.kubectl("delete", "configmap", "a", "-n", place.namespace)
    assert results(place.deliver([config("a", place.namespace)])) == {"a": "unchanged"}


def test_deleted_object_is_made_again(place: Place) -> None:
    place.deliver([config("a", place.namespace)])
    place.cluster.kubectl("delete", "configmap", "a", "-n", place.namespace)
    assert results(place.deliver([config("a", place.namespace)], check_drift=True)) == {"a": "created"}
    assert place.value("a") == "1"


def test_field_that_somebody_changed_is_put_back(place: Place) -> None:
    place.deliver([config("a", place.namespace), config("b", place.namespace)])
    place.cluster.kubectl("patch", "configmap", "a", "-n", place.namespace, "-p", '{"data":{"value":"theirs"}}')
    done = place.deliver([config("a", place.namespace), config("b", place.namespace)], check_drift=True)
    assert results(done) == {"a": "changed", "b": "unchanged"}
    assert place.value("a") == "1"


def test_field_that_somebody_removed_is_put_back(place: Place) -> None:
    place.deliver([config("a", place.namespace)])
    place.cluster.kubectl("patch", "configmap", "a", "-n", place.namespace, "-p", '{"data":{"value":null}}')
    assert results(place.deliver([config("a", place.namespace)], check_drift=True)) == {"a": "changed"}
    assert place.value("a") == "1"


def test_status_and_fields_of_others_are_no_drift(behind: Place, proxy: FaultProxy) -> None:
    bodies = [deployment("d", behind.namespace, 1), config("a", behind.namespace)]
    assert behind.deliver(bodies).state is State.READY
    behind.cluster.kubectl("annotate", "configmap", "a", "-n", behind.namespace, "theirs=yes")
    behind.cluster.kubectl("scale", "deployment", "d", "-n", behind.namespace, "--replicas=1")
    writes = proxy.count("PATCH|PUT|POST|DELETE")
    assert set(results(behind.deliver(bodies, check_drift=True)).values()) == {"unchanged"}
    assert proxy.count("PATCH|PUT|POST|DELETE") == writes


def test_looking_costs_one_list_per_kind_and_namespace(behind: Place, proxy: FaultProxy) -> None:
    bodies = [*(config(f"c{n}", behind.namespace) for n in range(4)), deployment("d", behind.namespace, 0)]
    behind.deliver(bodies)
    before = proxy.requests()
    behind.deliver(bodies, check_drift=True, wait=False)
    new = proxy.requests() - before
    looked = (path for _, path in new.elements() if "labelSelector" not in path)
    assert sorted(path.partition("?")[0].rpartition("/")[2] for path in looked) == ["configmaps", "deployments"]
