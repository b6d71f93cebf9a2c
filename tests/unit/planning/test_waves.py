"""Order found from references, waves of authors, and what is awaited."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.feed import RenderedObject
from reconciler.model.objects import digest_of, key_of
from reconciler.model.plan import Action, Change
from reconciler.planning import order, references, waves

Body = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"


def obj(kind: str, name: str, version: str = "v1", space: str = "a", **rest: Any) -> Body:
    metadata = {"name": name, **({"namespace": space} if space else {}), **rest.pop("metadata", {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}


def waved(body: Body, wave: object, name: str = "reconciler.clusternet.io/wave") -> Body:
    return {**body, "metadata": {**body["metadata"], "annotations": {name: str(wave)}}}


def workload(name: str = "web", kind: str = "Deployment", **pod: Any) -> Body:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [], **pod}}
    return obj(kind, name, "apps/v1", spec={"template": template})


def service(name: str = "web") -> Body:
    return obj("Service", name, spec={"selector": {"app": name}})


def webhook(name: str = "guard", service: str = "web") -> Body:
    client = {"service": {"namespace": "a", "name": service}}
    version = "admissionregistration.k8s.io/v1"
    return obj("ValidatingWebhookConfiguration", name, version, "", webhooks=[{"clientConfig": client}])


def definition(group: str = "x.io", kind: str = "Gear", **spec: Any) -> Body:
    names = {"group": group, "names": {"kind": kind}, **spec}
    return obj("CustomResourceDefinition", f"{kind.lower()}s.{group}", "apiextensions.k8s.io/v1", "", spec=names)


def binding(kind: str = "RoleBinding", role: str = "Role") -> Body:
    subjects = [{"kind": "ServiceAccount", "name": "app", "namespace": "a"}]
    space = "a" if kind == "RoleBinding" else ""
    return obj(kind, "bind", f"{RBAC}/v1", space, roleRef={"kind": role, "name": "app"}, subjects=subjects)


def change(body: Body, action: Action = Action.CREATE) -> Change:
    made = RenderedObject(key_of(body), body["apiVersion"], body, digest_of(body))
    return Change(action, made.key, made.api_version, made)


def names(*bodies: Body) -> list[set[str]]:
    arranged = waves.arranged([change(body) for body in bodies])
    return [{f"{one.key.kind}/{one.key.name}" for one in wave} for wave in arranged]


def awaited(body: Body, *bodies: Body) -> set[str]:
    arranged = waves.arranged([change(one) for one in (body, *bodies)])
    return {need.name for wave in arranged for one in wave if one.key == key_of(body) for need in one.awaits}


def pod(**spec: Any) -> Body:
    return obj("Pod", "pod", spec=spec)


def cron(**spec: Any) -> Body:
    job = {"template": {"spec": spec}}
    return obj("CronJob", "cron", "batch/v1", spec={"jobTemplate": {"spec": job}})


CONFIG, SECRET = obj("ConfigMap", "app"), obj("Secret", "app")
ACCOUNT, CLAIM = obj("ServiceAccount", "app"), obj("PersistentVolumeClaim", "app")
STORAGE = obj("StorageClass", "app", "storage.k8s.io/v1", "")
GATEWAY = obj("Gateway", "app", "gateway.networking.k8s.io/v1")
BACKEND = {"service": {"name": "web"}}
TOKEN = {"annotations": {"kubernetes.io/service-account.name": "app"}}
NEEDS = {
    "a volume of a ConfigMap": (workload(volumes=[{"configMap": {"name": "app"}}]), CONFIG),
    "a volume of a Secret": (workload(volumes=[{"secret": {"secretName": "app"}}]), SECRET),
    "a projected Secret": (workload(volumes=[{"projected": {"sources": [{"secret": {"name": "app"}}]}}]), SECRET),
    "a claim": (workload(kind="DaemonSet", volumes=[{"persistentVolumeClaim": {"claimName": "app"}}]), CLAIM),
    "envFrom": (workload(containers=[{"envFrom": [{"configMapRef": {"name": "app"}}]}]), CONFIG),
    "a variable": (
        workload(initContainers=[{"env": [{"valueFrom": {"secretKeyRef": {"name": "app"}}}]}]),
        SECRET,
    ),
    "a pull secret": (pod(imagePullSecrets=[{"name": "app"}]), SECRET),
    "an account": (cron(serviceAccountName="app"), ACCOUNT),
    "a priority": (pod(priorityClassName="app"), obj("PriorityClass", "app", "scheduling.k8s.io/v1", "")),
    "a runtime": (pod(runtimeClassName="app"), obj("RuntimeClass", "app", "node.k8s.io/v1", "")),
    "a governing Service": (
        obj("StatefulSet", "db", "apps/v1", spec={"serviceName": "web", "template": {}}),
        service(),
    ),
    "a class of storage": (obj("PersistentVolumeClaim", "c", spec={"storageClassName": "app"}), STORAGE),
    "a volume by name": (
        obj("PersistentVolumeClaim", "c", spec={"volumeName": "app"}),
        obj("PersistentVolume", "app", space=""),
    ),
    "a Secret of an account": (obj("ServiceAccount", "x", secrets=[{"name": "app"}]), SECRET),
    "the account of a token": (
        obj("Secret", "t", type="kubernetes.io/service-account-token", metadata=TOKEN),
        ACCOUNT,
    ),
    "a Role": (binding(), obj("Role", "app", f"{RBAC}/v1")),
    "a ClusterRole": (binding("ClusterRoleBinding", "ClusterRole"), obj("ClusterRole", "app", f"{RBAC}/v1", "")),
    "a subject": (binding(), ACCOUNT),
    "a backend": (obj("Ingress", "i", "networking.k8s.io/v1", spec={"defaultBackend": BACKEND}), service()),
    "a certificate": (obj("Ingress", "i", "networking.k8s.io/v1", spec={"tls": [{"secretName": "app"}]}), SECRET),
    "a class of Ingresses": (
        obj("Ingress", "i", "networking.k8s.io/v1", spec={"ingressClassName": "app"}),
        obj("IngressClass", "app", "networking.k8s.io/v1", ""),
    ),
    "a scaled workload": (
        obj(
            "HorizontalPodAutoscaler",
            "h",
            "autoscaling/v2",
            spec={"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
        ),
        workload(),
    ),
    "an exported Service": (obj("ServiceExport", "web", "multicluster.x-k8s.io/v1alpha1"), service()),
    "a policy": (
        obj(
            "ValidatingAdmissionPolicyBinding",
            "b",
            "admissionregistration.k8s.io/v1",
            "",
            spec={"policyName": "app"},
        ),
        obj("ValidatingAdmissionPolicy", "app", "admissionregistration.k8s.io/v1", ""),
    ),
    "a Gateway": (
        obj("HTTPRoute", "r", "gateway.networking.k8s.io/v1", spec={"parentRefs": [{"name": "app"}]}),
        GATEWAY,
    ),
    "a definition": (obj("Gear", "g", "x.io/v1"), definition()),
    "a namespace": (CONFIG, obj("Namespace", "a", space="")),
    "a quota": (workload(), obj("ResourceQuota", "q")),
}


@pytest.mark.parametrize(("user", "used"), NEEDS.values(), ids=NEEDS.keys())
def test_what_an_object_names_is_written_before_it(user: Body, used: Body) -> None:
    for some in itertools.permutations((user, used)):
        assert names(*some) == [
            {f"{used['kind']}/{used['metadata']['name']}"},
            {f"{user['kind']}/{user['metadata']['name']}"},
        ]


def test_objects_that_need_nothing_of_each_other_are_one_wave() -> None:
    many = [obj("ConfigMap", f"c{n}") for n in range(50)] + [workload(f"w{n}") for n in range(50)]
    assert len(names(*many)) == 1


def test_what_nobody_delivers_here_adds_no_wave() -> None:
    assert len(names(workload(serviceAccountName="elsewhere"), CONFIG)) == 1


def test_waves_are_as_many_as_the_longest_chain() -> None:
    account = obj("ServiceAccount", "app", imagePullSecrets=[{"name": "app"}])
    some = (SECRET, account, workload("one", serviceAccountName="app"), workload("two"), CONFIG)
    assert [len(wave) for wave in names(*some)] == [3, 1, 1]


def test_author_waves_go_from_low_to_high_and_argo_spelling_is_honoured() -> None:
    some = (
        waved(obj("ConfigMap", "late"), 2),
        obj("ConfigMap", "middle"),
        waved(obj("ConfigMap", "early"), -1, "argocd.argoproj.io/sync-wave"),
    )
    assert names(*some) == [{"ConfigMap/early"}, {"ConfigMap/middle"}, {"ConfigMap/late"}]


def test_our_wave_wins_over_that_of_argo_and_what_is_no_number_is_wave_zero() -> None:
    both = {"reconciler.clusternet.io/wave": "3", "argocd.argoproj.io/sync-wave": "-3"}
    assert waves.wave_of({"metadata": {"annotations": both}}) == 3
    assert waves.wave_of({"metadata": {"annotations": {"reconciler.clusternet.io/wave": "one"}}}) == 0
    assert waves.wave_of({"metadata": None}) == 0


def test_a_wave_awaits_every_object_of_the_waves_before() -> None:
    first, second, third = (waved(obj("ConfigMap", name), n) for n, name in enumerate("abc"))
    assert awaited(second, first, third) == {"a"}
    assert awaited(third, first, second) == {"a", "b"}
    assert awaited(first, second, third) == set()


def test_namespace_and_definition_are_pulled_ahead_of_the_first_object_that_needs_them() -> None:
    gear = waved(obj("Gear", "g", "x.io/v1"), -5)
    some = (gear, waved(obj("Namespace", "a", space=""), 3), waved(definition(), 4), CONFIG)
    assert names(*some) == [{"Namespace/a", "CustomResourceDefinition/gears.x.io"}, {"Gear/g"}, {"ConfigMap/app"}]


def test_a_wave_of_authors_wins_over_what_is_only_to_be_written() -> None:
    user = waved(workload(serviceAccountName="app"), -1)
    assert names(user, ACCOUNT) == [{"Deployment/web"}, {"ServiceAccount/app"}]
    assert waves.troubles(members(user, ACCOUNT)) == ()


def test_interceptor_awaits_the_workload_behind_its_service() -> None:
    assert awaited(webhook(), service(), workload(), workload("other")) == {"web"}


def test_aggregated_api_awaits_its_workload_and_its_objects_await_the_api() -> None:
    spec = {"group": "agg.io", "version": "v1", "service": {"namespace": "a", "name": "web"}}
    api = obj("APIService", "v1.agg.io", "apiregistration.k8s.io/v1", "", spec=spec)
    thing = obj("Thing", "t", "agg.io/v1")
    assert awaited(api, service(), workload()) == {"web"}
    assert awaited(thing, api, service(), workload()) == {"v1.agg.io"}
    assert names(thing, api, service(), workload())[-2:] == [{"APIService/v1.agg.io"}, {"Thing/t"}]


def test_custom_resource_awaits_its_definition_and_what_converts_it() -> None:
    client = {"service": {"namespace": "a", "name": "web"}}
    converted = definition(conversion={"strategy": "Webhook", "webhook": {"clientConfig": client}})
    gear = obj("Gear", "g", "x.io/v1")
    assert awaited(gear, definition()) == {"gears.x.io"}
    assert awaited(gear, converted, service(), workload()) == {"gears.x.io", "web"}


def members(*bodies: Body) -> list[waves.Member]:
    return [waves.Member(key_of(body), body["apiVersion"], body) for body in bodies]


def looped(name: str, other: str) -> tuple[Body, Body]:
    """An account that lists the token of another account."""
    metadata = {"annotations": {"kubernetes.io/service-account.name": name}}
    token = obj("Secret", f"{name}-token", type="kubernetes.io/service-account-token", metadata=metadata)
    return obj("ServiceAccount", name, secrets=[{"name": f"{other}-token"}]), token


def test_cycle_is_told_once_with_its_chain_and_opened_the_same_way_each_time() -> None:
    some = (*looped("one", "two"), *looped("two", "one"))
    (trouble,) = waves.troubles(members(*some))
    assert trouble.waves is None
    assert {key.name for key in trouble.chain} == {"one", "two", "one-token", "two-token"}
    assert len({str(names(*shuffled)) for shuffled in itertools.permutations(some)} & {str(names(*some))}) == 1
    assert sum(len(wave) for wave in names(*some)) == 4


def test_account_that_lists_its_own_token_is_no_cycle_and_comes_first() -> None:
    some = looped("one", "one")
    assert waves.troubles(members(*some)) == ()
    assert names(*some) == [{"ServiceAccount/one"}, {"Secret/one-token"}]


def test_wave_that_serves_an_interceptor_too_late_is_told_with_both_waves() -> None:
    late = waved(workload(), 2)
    (trouble,) = waves.troubles(members(webhook(), service(), late))
    assert [key.kind for key in trouble.chain] == ["ValidatingWebhookConfiguration", "Deployment"]
    assert trouble.waves == (0, 2)


def test_nothing_awaits_and_nothing_is_parted_where_nothing_is_written() -> None:
    some = [change(body, Action.UNCHANGED) for body in (workload(serviceAccountName="app"), ACCOUNT, webhook())]
    assert [len(wave) for wave in waves.arranged(some)] == [3]


def test_bodies_that_are_no_proper_objects_name_nothing() -> None:
    odd: list[Any] = [None, "text", 3, [], {"template": "x"}, {"template": {"spec": {"volumes": ["x", {"secret": 1}]}}}]
    for spec in odd:
        assert len(names(obj("Deployment", "x", "apps/v1", spec=spec), SECRET)) == 1


accounts = st.builds(
    lambda n, secrets: obj("ServiceAccount", n, secrets=[{"name": s} for s in secrets]),
    st.sampled_from("xyz"),
    st.lists(st.sampled_from("xyz"), max_size=2),
)
secrets_ = st.builds(lambda n: obj("Secret", n), st.sampled_from("xyz"))
pods = st.builds(
    lambda n, account, secret: obj(
        "Pod", n, spec={"serviceAccountName": account, "volumes": [{"secret": {"secretName": secret}}]}
    ),
    *[st.sampled_from("xyz")] * 3,
)
some_objects = st.lists(
    st.builds(
        lambda body, wave: waved(body, wave) if wave else body,
        st.one_of(accounts, secrets_, pods, st.just(definition()), st.just(obj("Gear", "g", "x.io/v1"))),
        st.sampled_from([0, 0, -1, 2]),
    ),
    max_size=10,
    unique_by=key_of,
)


@settings(max_examples=60, deadline=None)
@given(some_objects, st.randoms(use_true_random=False))
def test_every_object_once_after_what_it_needs_whatever_order_they_come_in(some: list[Body], random: Any) -> None:
    arranged = waves.arranged([change(body) for body in some])
    at = {one.key: n for n, wave in enumerate(arranged) for one in wave}
    assert sorted(one.key for wave in arranged for one in wave) == sorted(map(key_of, some))
    shuffled = list(some)
    random.shuffle(shuffled)
    assert waves.arranged([change(body) for body in shuffled]) == arranged
    found = {key_of(body): body for body in some}
    for key, body in found.items():
        for need in references.needs(body, key):
            if need.key in found and waves.wave_of(found[need.key]) <= waves.wave_of(body):
                assert at[need.key] < at[key]
        if key.kind == "Gear" and (crd := key_of(definition())) in found:
            assert at[crd] < at[key]
    assert [order.rank(one.key) for wave in arranged for one in wave] or not some
