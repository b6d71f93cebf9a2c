"""First contact: whose an object is that is there already, and what becomes of it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from reconciler.model.applying import Adopt, Wishes
from reconciler.model.applysettings import Apply
from reconciler.model.inventory import Keep
from reconciler.model.status import State
from tests.plugins.faults import FaultProxy
from tests.wire.apply.place import Body, Place, config, custom, definition, deployment, outcome, results, space

ADOPT = "reconciler.clusternet.io/adopt"
ALWAYS = Apply(adopt=Adopt.ALWAYS)


def made(place: Place, body: Body, *how: str) -> Body:
    """Somebody else makes an object, with kubectl."""
    return json.loads(place.cluster.kubectl(*(how or ("create",)), "-f", "-", "-o", "json", input=json.dumps(body)))


def marked(place: Place, *, labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None) -> Body:
    return config("a", place.namespace, "theirs", labels=labels or {}, annotations=annotations or {})


MARKS: list[tuple[str, dict[str, Any], str]] = [
    (
        "flux kustomization",
        {"labels": {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux"}},
        "Flux Kustomization flux/apps",
    ),
    ("flux release", {"labels": {"helm.toolkit.fluxcd.io/name": "web"}}, "Flux HelmRelease web"),
    ("argo label", {"labels": {"argocd.argoproj.io/instance": "shop"}}, "Argo CD Application shop"),
    (
        "argo annotation",
        {"annotations": {"argocd.argoproj.io/tracking-id": "shop:/ConfigMap:x/a"}},
        "Argo CD Application shop",
    ),
    (
        "helm",
        {
            "labels": {"app.kubernetes.io/managed-by": "Helm"},
            "annotations": {"meta.helm.sh/release-name": "r", "meta.helm.sh/release-namespace": "n"},
        },
        "Helm release n/r",
    ),
    (
        "another description",
        {"annotations": {"apps.clusternet.io/owned-by-description": "other.web-generic"}},
        "Clusternet Description other.web-generic",
    ),
]


@pytest.mark.parametrize(("marks", "owner"), [mark[1:] for mark in MARKS], ids=[mark[0] for mark in MARKS])
def test_object_of_another_tool_is_refused_and_its_owner_named(place: Place, marks: dict[str, Any], owner: str) -> None:
    made(place, marked(place, **marks))
    done = place.deliver([config("a", place.namespace, "ours"), config("b", place.namespace)])
    assert results(done) == {"a": "failed", "b": "created"}
    refused = outcome(done, "a")
    assert refused.reason == "AdoptionRefused"
    assert refused.message.startswith(f"it belongs to {owner}, and adoption is `if-unowned`; `{ADOPT}: always`")
    assert place.value("a") == "theirs"


def test_object_that_a_controller_made_is_refused(place: Place) -> None:
    here = place.namespace
    parent = made(place, config("parent", here))
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "parent", "uid": parent["metadata"]["uid"]}
    made(place, config("a", here, "theirs", ownerReferences=[{**owner, "controller": True}]))
    assert "it belongs to ConfigMap parent" in outcome(place.deliver([config("a", here)]), "a").message


def test_object_of_nobody_is_adopted_and_whose_it_was_is_told(place: Place) -> None:
    made(place, config("a", place.namespace, "theirs"))
    done = place.deliver([config("a", place.namespace, "ours")])
    assert (results(done), done.state) == ({"a": "adopted"}, State.READY)
    assert outcome(done, "a").note == "it was there, written by kubectl-create"
    assert place.value("a") == "ours"
    inventory = place.inventory()
    assert inventory is not None
    assert [entry.keep for entry in inventory.entries.values()] == [Keep.ADOPTED]


def test_adoption_is_never_where_the_settings_say_so(place: Place) -> None:
    made(place, config("a", place.namespace, "theirs"))
    done = place.deliver([config("a", place.namespace, "ours")], apply=Apply(adopt=Adopt.NEVER))
    assert outcome(done, "a").reason == "AdoptionRefused"
    assert f"`{ADOPT}: if-unowned`" in outcome(done, "a").message
    assert place.value("a") == "theirs"


def test_subscription_outweighs_the_settings_and_the_object_outweighs_both(place: Place) -> None:
    here = place.namespace
    for name in ("a", "b"):
        made(place, config(name, here, "theirs"))
    bodies = [config("a", here, "ours"), config("b", here, "ours", annotations={ADOPT: "if-unowned"})]
    work = msgspec.structs.replace(place.work(bodies), wishes=Wishes(adopt=Adopt.NEVER))
    (done,) = place.deliver_all([work], apply=ALWAYS)
    assert results(done) == {"a": "failed", "b": "adopted"}


def test_object_of_another_tool_is_taken_with_its_fields_where_that_is_asked_for(place: Place) -> None:
    here = place.namespace
    theirs = marked(place, labels={"argocd.argoproj.io/instance": "shop"}) | {"data": {"value": "t", "gone": "x"}}
    made(place, theirs, "apply", "--server-side", "--field-manager=argocd-controller")
    done = place.deliver([config("a", here, "ours", annotations={ADOPT: "always"})])
    assert results(done) == {"a": "adopted"}
    assert outcome(done, "a").note == "it was of Argo CD Application shop"
    live = place.live("configmaps", "a")
    assert live is not None
    assert (live["data"], live["metadata"].get("labels")) == ({"value": "ours"}, None)


def test_object_of_another_fleet_is_refused_and_its_fleet_named(place: Place) -> None:
    place.deliver([config("a", place.namespace)])
    second = Place(place.cluster, place.namespace, f"{place.fleet}-b", place.kubeconfig)
    done = second.deliver([config("a", place.namespace, "mine")])
    assert f"it belongs to fleet {place.fleet}," in outcome(done, "a").message
    assert place.value("a") == "1"


def test_object_of_a_clusternet_agent_for_the_same_description_is_ours(place: Place) -> None:
    here = place.namespace
    owner = {"apps.clusternet.io/owned-by-description": f"clusternet-{place.cluster.name}.web-generic"}
    agents = config("a", here, "agent", annotations=owner)
    agents["data"]["gone"] = "x"
    made(place, agents, "create", "--field-manager=clusternet-agent")
    assert results(place.deliver([config("a", here, "ours")])) == {"a": "changed"}
    live = place.live("configmaps", "a")
    assert live is not None
    assert live["data"] == {"value": "ours"}
    assert results(place.deliver(None)) == {"a": "pruned"}


def test_second_subscription_that_delivers_an_object_is_refused(place: Place) -> None:
    body = config("a", place.namespace)
    works = [place.work([body], subscription=f"default/{name}") for name in ("one", "two")]
    one, two = place.deliver_all(works)
    assert (results(one), results(two)) == ({"a": "created"}, {"a": "failed"})
    assert outcome(two, "a").reason == "AdoptionRefused"
    assert "Subscription default/one delivers it" in outcome(two, "a").message
    (alone,) = place.deliver_all([works[1]])
    assert results(alone) == {"a": "failed"}
    place.deliver_all([place.work(None, subscription="default/one"), works[1]])
    (after,) = place.deliver_all([works[1]])
    assert set(results(after).values()) <= {"changed", "unchanged"}


def test_object_that_was_made_anew_by_somebody_since_is_adopted_again(place: Place) -> None:
    here = place.namespace
    place.deliver([config("a", here)])
    place.cluster.kubectl("delete", "configmap", "a", "-n", here)
    made(place, config("a", here, "theirs"))
    assert results(place.deliver([config("a", here, "2")])) == {"a": "adopted"}
    assert results(place.deliver(None)) == {"a": "kept"}


def lose_inventory(place: Place) -> None:
    fleet = f"reconciler.clusternet.io/fleet={place.fleet}"
    place.cluster.kubectl("delete", "configmap", "-n", place.namespace, "-l", fleet)
    assert place.inventory() is None


@pytest.mark.parametrize(
    ("before", "first", "last"),
    [(True, "adopted", "kept"), (False, "created", "pruned")],
    ids=["there before us", "made by us"],
)
def test_lost_inventory_changes_nothing_about_whose_an_object_is(
    place: Place, before: bool, first: str, last: str
) -> None:
    here = place.namespace
    if before:
        made(place, config("a", here, "theirs"))
    others = [config("other", here)]
    assert results(place.deliver([config("a", here), *others]))["a"] == first
    lose_inventory(place)
    assert results(place.deliver([config("a", here), *others])).keys() == {"a", "other"}
    assert results(place.deliver(others))["a"] == last
    assert (place.live("configmaps", "a") is not None) == before


def test_adopted_object_that_came_back_to_its_feed_is_still_not_ours_to_delete(place: Place) -> None:
    here = place.namespace
    made(place, config("a", here, "theirs"))
    for expected in ("adopted", "changed"):
        assert results(place.deliver([config("a", here, expected), config("b", here)]))["a"] == expected
        assert results(place.deliver([config("b", here)]))["a"] == "kept"
    assert place.value("a") == "changed"


def test_adopted_object_says_so_itself_and_that_is_no_drift(place: Place) -> None:
    here = place.namespace
    made(place, config("a", here, "theirs"))
    place.deliver([config("a", here, "ours")])
    place.cluster.kubectl("annotate", "configmap", "a", "-n", here, "--field-manager=other", "x=y")
    assert results(place.deliver([config("a", here, "ours")], check_drift=True)) == {"a": "unchanged"}
    live = place.live("configmaps", "a")
    assert live is not None
    assert live["metadata"]["annotations"]["reconciler.clusternet.io/adopted"] == "true"


def test_new_objects_are_looked_at_by_one_list_per_collection(behind: Place, proxy: FaultProxy) -> None:
    bodies = [config(f"c{n}", behind.namespace) for n in range(30)]
    behind.deliver([*bodies, deployment("d", behind.namespace, 0)], wait=False)
    reads = sorted(path for method, path in proxy.requests().elements() if method == "GET")
    looked = [path for path in reads if "labelSelector" not in path]
    assert [path.partition("?")[0].rpartition("/")[2] for path in looked] == ["configmaps", "deployments"]
    assert "fieldSelector=metadata.name%3Dd" in looked[1]


def test_objects_in_a_namespace_of_the_same_plan_are_decided_when_their_wave_comes(place: Place) -> None:
    home = f"{place.namespace}-home"
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": home}}
    done = place.deliver([space(home), account, config("a", home)])
    assert done.state is State.READY
    assert results(done)["a"] == "created"
    again = place.deliver([space(home), account, config("a", home)])
    assert set(results(again).values()) == {"unchanged"}
    place.deliver(None, wait=False)


def test_objects_of_a_definition_of_the_same_plan_are_decided_when_their_wave_comes(place: Place) -> None:
    group = f"{place.namespace}.example.io"
    done = place.deliver([custom(group, "Widget", "w", place.namespace), definition(group, "Widget")])
    assert set(results(done).values()) == {"created"}
    place.deliver(None)
