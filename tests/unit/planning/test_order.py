"""Waves: nothing before what it needs, nothing deleted before its users."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.inventory import Entry
from reconciler.model.objects import ObjectKey
from reconciler.model.plan import Action, Change
from reconciler.planning import order, waves

WAVES = [
    (("", "Namespace"), 0),
    (("apiextensions.k8s.io", "CustomResourceDefinition"), 0),
    (("storage.k8s.io", "StorageClass"), 1),
    (("gateway.networking.k8s.io", "GatewayClass"), 1),
    (("", "ResourceQuota"), 1),
    (("", "ServiceAccount"), 2),
    (("apps", "Deployment"), 2),
    (("example.io", "Widget"), 2),
    (("rbac.authorization.k8s.io", "ClusterRole"), 2),
    (("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"), 3),
    (("apiregistration.k8s.io", "APIService"), 3),
]


def key(group: str, kind: str, name: str = "x", namespace: str = "") -> ObjectKey:
    return ObjectKey(group, kind, namespace, name)


def change(one: ObjectKey) -> Change:
    return Change(Action.CREATE, one, "v1")


@pytest.mark.parametrize(("kind", "wave"), WAVES, ids=[kind for (_, kind), _ in WAVES])
def test_kind_is_written_in_its_wave(kind: tuple[str, str], wave: int) -> None:
    assert order.write_wave(key(*kind)) == wave


def test_namespaced_kind_that_only_sounds_like_a_class_is_written_with_the_rest() -> None:
    assert order.write_wave(key("example.io", "FirstClass", namespace="a")) == 2


def kinds(some: tuple[tuple[Change, ...], ...]) -> list[list[str]]:
    return [[one.key.kind for one in wave] for wave in some]


def test_deletes_go_from_users_to_what_they_use_and_namespaces_last() -> None:
    doomed = [
        key("", "Namespace"),
        key("apiextensions.k8s.io", "CustomResourceDefinition"),
        key("", "ConfigMap", namespace="a"),
        key("apps", "Deployment", namespace="a"),
        key("example.io", "Widget", namespace="a"),
        key("storage.k8s.io", "StorageClass"),
        key("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
    ]
    assert kinds(order.prune_waves(map(change, doomed))) == [
        ["MutatingWebhookConfiguration"],
        ["Widget"],
        ["Deployment", "ConfigMap"],
        ["StorageClass"],
        ["CustomResourceDefinition"],
        ["Namespace"],
    ]


def test_inside_a_wave_what_is_used_starts_first() -> None:
    wanted = [key("apps", "Deployment"), key("", "Service"), key("", "ServiceAccount"), key("x.io", "Thing")]
    assert kinds(waves.arranged(map(change, wanted))) == [["ServiceAccount", "Service", "Thing", "Deployment"]]


def test_deletes_of_later_waves_go_first_but_interceptors_before_all_and_definitions_after() -> None:
    some = {
        key("", "ConfigMap", "early", "a"): -1,
        key("", "ConfigMap", "late", "a"): 2,
        key("", "Namespace", "a"): 2,
        key("admissionregistration.k8s.io", "MutatingWebhookConfiguration", "guard"): -1,
    }
    doomed = [Change(Action.PRUNE, one, "v1", None, Entry(one, "v1", wave=wave)) for one, wave in some.items()]
    arranged = order.prune_waves(doomed)
    assert [[one.key.name for one in wave] for wave in arranged] == [["guard"], ["late"], ["early"], ["a"]]


def test_kinds_of_subprojects_are_custom_and_those_of_every_api_server_are_not() -> None:
    assert order.is_custom(key("gateway.networking.k8s.io", "Gateway"))
    assert order.is_custom(key("multicluster.x-k8s.io", "ServiceExport"))
    assert not order.is_custom(key("networking.k8s.io", "Ingress"))
    assert not order.is_custom(key("", "Pod"))


keys = st.builds(
    ObjectKey,
    st.sampled_from(["", "apps", "example.io", "apiextensions.k8s.io"]),
    st.sampled_from(["Namespace", "Deployment", "Widget", "CustomResourceDefinition", "StorageClass"]),
    st.sampled_from(["", "a", "b"]),
    st.sampled_from(["x", "y"]),
)


@settings(max_examples=40)
@given(st.lists(keys, unique=True), st.randoms(use_true_random=False))
def test_waves_hold_every_change_once_and_do_not_depend_on_the_order_they_came_in(some: list[ObjectKey], r) -> None:
    changes = [change(one) for one in some]
    shuffled = list(changes)
    r.shuffle(shuffled)
    for arrange in (waves.arranged, order.prune_waves):
        arranged = arrange(changes)
        assert sorted(one.key for wave in arranged for one in wave) == sorted(some)
        assert arranged == arrange(shuffled)
        assert all(arranged)
