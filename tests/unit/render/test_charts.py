"""Charts: each distinct question asked once, answers taken over as objects, hooks kept apart, clashes told.

Answers are plain values, so that nothing here runs helm.
"""

import msgspec
import pytest

from reconciler.model.feed import ReadOf, Unit
from reconciler.model.inflation import ChartAnswer, ChartObject, ChartRender, Fault, Role
from reconciler.model.objects import Digest
from reconciler.model.settings import Delivery
from reconciler.model.snapshot import Severity
from reconciler.render.inflations import inflations
from reconciler.render.render import render
from reconciler.scheduling.schedule import schedule
from tests.unit.snapshots import (
    APPS,
    NOTHING_BEFORE,
    cluster,
    cluster_id,
    config_map,
    everywhere,
    facts,
    globalization,
    labelled,
    localization,
    override,
    place_of,
    service,
    service_export,
    snapshot,
    subscription,
)

EAST, WEST = cluster("east", 1, {"env": "prod"}), cluster("west", 2, {"env": "dev"})


def helm_chart(name="web", namespace="charts", **spec):
    """A HelmChart that goes to the namespace `shop`."""
    wanted = {"repo": "https://charts.example", "chart": "web", "version": "1.0.0", "targetNamespace": "shop"}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": APPS, "kind": "HelmChart", "metadata": metadata, "spec": {**wanted, **spec}}


WEB = helm_chart()
APP = subscription("app", [everywhere()], WEB)


def values(text):
    return override(text, "Helm")


def made(*bodies, role=Role.OBJECT, **more):
    objects = tuple(ChartObject(body, "web/templates/all.yaml", role) for body in bodies)
    return ChartAnswer(objects, "1.0.0", Digest("content"), **more)


def bare(obj):
    """The object as a chart writes it: without a namespace."""
    return {**obj, "metadata": {key: value for key, value in obj["metadata"].items() if key != "namespace"}}


PAGE = bare(config_map("page", text="hello"))
DEFAULT = made(PAGE)


def asked(*objects, fleet=None):
    snap = snapshot(*objects)
    known = fleet or facts(snap)
    return inflations(snap, schedule(snap, known, NOTHING_BEFORE), known, {})


def rendered(*objects, answer=DEFAULT, fleet=None, files=None, to="directory"):
    """Feeds of these objects; `answer` is for all questions, or a function of one."""
    snap = msgspec.structs.replace(snapshot(*objects), files=files or {})
    settings = msgspec.structs.replace(snap.settings, delivery=Delivery(to=to))
    snap = msgspec.structs.replace(snap, settings=settings)
    known = fleet or facts(snap)
    scheduled = schedule(snap, known, NOTHING_BEFORE)
    answers = {}
    while wanted := inflations(snap, scheduled, known, answers):
        answers |= {question: answer(question) if callable(answer) else answer for question in wanted}
    return render(snap, scheduled, known, answers)


def keys(feeds, number=1, name="default/app"):
    return [str(found.key) for found in feeds.units[Unit(name, cluster_id(number))].objects]


def test_question_says_all_that_the_answer_depends_on():
    snap = snapshot(EAST, APP, helm_chart(plainHTTP=True, skipCRDs=True, chartPullSecret={"name": "login"}))
    (known,) = facts(snap).values()
    known = msgspec.structs.replace(known, kubernetes="v1.31.2", apis={"v1/Pod": True, "apps/v1/Deployment": True})
    (question,) = asked(
        EAST,
        APP,
        helm_chart(plainHTTP=True, skipCRDs=True, chartPullSecret={"name": "login"}),
        globalization("g", WEB, values("b: 1\na: {x: y}")),
        fleet={known.id: known},
    )
    assert isinstance(question, ChartRender)
    chart = question.chart
    assert (chart.repo, chart.name, chart.version) == ("https://charts.example", "web", "1.0.0")
    assert (chart.plain_http, chart.pull_secret, question.skip_crds) == (True, "charts/login", True)
    assert (question.release, question.namespace) == ("web", "shop")
    assert question.values == b'{"a":{"x":"y"},"b":1}'
    assert (question.kubernetes, question.apis) == ("v1.31.2", ("apps/v1/Deployment", "v1/Pod"))


def test_chart_in_500_clusters_with_three_value_sets_is_three_questions():
    clusters = [cluster(f"c{n}", n, {"ring": str(n % 3)}) for n in range(500)]
    rings = [globalization("all", WEB, values("size: small"))]
    for ring in ("1", "2"):
        affinity = {"matchLabels": {"ring": ring}}
        rings.append(globalization(f"ring-{ring}", WEB, values(f"ring: {ring}"), affinity=affinity))
    # equal values by another way make no other question
    own = localization("own", "fleet-c0", WEB, values("size: small"))
    assert len(asked(*clusters, WEB, APP, *rings, own)) == 3


def test_clusters_with_equal_questions_share_objects():
    own = [localization("own", f"fleet-{name}", WEB, values("size: small")) for name in ("east", "west")]
    east, west = rendered(EAST, WEST, WEB, APP, *own).units.values()
    assert east.objects is west.objects


def test_clusters_that_can_do_other_things_ask_other_questions():
    snap = snapshot(EAST, WEST, WEB, APP)
    fleet = {
        name: msgspec.structs.replace(known, kubernetes=f"v1.3{known.name == 'east':d}.0")
        for name, known in facts(snap).items()
    }
    assert [question.kubernetes for question in asked(EAST, WEST, WEB, APP, fleet=fleet)] == ["v1.30.0", "v1.31.0"]


def test_override_of_the_chart_changes_the_question():
    change = override('{"spec": {"version": "2.0.0"}, "metadata": {"name": "other"}}', "Helm", overrideChart=True)
    (question,) = asked(EAST, WEB, APP, globalization("g", WEB, change))
    assert (question.chart.version, question.release) == ("2.0.0", "other")


@pytest.mark.parametrize("repo", ["charts/web", "./charts/web", "charts/web/"])
def test_chart_in_the_repo_is_asked_with_its_files(repo):
    files = {"charts/web/Chart.yaml": "1", "charts/web/templates/a.yaml": "2", "charts/webby/Chart.yaml": "3"}
    questions = []
    rendered(EAST, APP, helm_chart(repo=repo), answer=lambda one: questions.append(one) or DEFAULT, files=files)
    assert questions[0].files == (("charts/web/Chart.yaml", "1"), ("charts/web/templates/a.yaml", "2"))


def test_objects_without_a_namespace_go_where_the_chart_goes():
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}}
    elsewhere = config_map("elsewhere", namespace="other")
    feeds = rendered(EAST, WEB, APP, answer=made(PAGE, role, elsewhere))
    assert keys(feeds) == [
        "ConfigMap other/elsewhere",
        "ConfigMap shop/page",
        "Namespace shop",
        "ClusterRole.rbac.authorization.k8s.io r",
    ]


def definition(scope, group="example.com", kind="Thing"):
    spec = {"group": group, "names": {"kind": kind}, "scope": scope}
    metadata = {"name": f"{kind.lower()}s.{group}"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": metadata, "spec": spec
    }  # fmt: skip


THING = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "t"}}


@pytest.mark.parametrize(
    ("of_chart", "of_repo", "served", "where"),
    [
        pytest.param([definition("Cluster")], [], {}, "", id="a definition of the chart tells"),
        pytest.param([], [definition("Cluster")], {}, "", id="a definition of the repo tells"),
        pytest.param([], [], {"example.com/v1beta1/Thing": False}, "", id="the cluster tells"),
        pytest.param(
            [], [definition("Namespaced")], {"example.com/v1/Thing": False}, "shop", id="the repo comes first"
        ),
        pytest.param([], [], {}, "shop", id="nobody tells"),
    ],
)
def test_scope_of_custom_kinds(of_chart, of_repo, served, where):
    (known,) = facts(snapshot(EAST)).values()
    fleet = {known.id: msgspec.structs.replace(known, apis=served)}
    feeds = rendered(EAST, WEB, APP, *of_repo, answer=made(*of_chart, THING), fleet=fleet)
    (feed,) = feeds.units.values()
    assert [found.key.namespace for found in feed.objects if found.key.kind == "Thing"] == [where]


def test_definitions_are_labelled_and_lose_their_status():
    crd = {**definition("Cluster"), "status": {"conditions": []}}
    (feed,) = rendered(EAST, WEB, APP, answer=made(crd, role=Role.DEFINITION)).units.values()
    roles = {found.key.kind: found.role for found in feed.objects}
    assert roles == {"CustomResourceDefinition": Role.DEFINITION, "Namespace": Role.OBJECT}
    assert all("status" not in found.body for found in feed.objects)


def test_skip_crds_leaves_definitions_out():
    feeds = rendered(EAST, helm_chart(skipCRDs=True), APP, answer=made(definition("Cluster"), role=Role.DEFINITION))
    assert keys(feeds) == ["Namespace shop"]


def test_hooks_stand_aside_and_are_warned_of():
    hooks = made(*[bare(config_map(name)) for name in "abcd"], role=Role.HOOK)
    feeds = rendered(EAST, WEB, APP, answer=hooks)
    (feed,), (problem,) = feeds.units.values(), feeds.problems
    assert keys(feeds) == ["Namespace shop"]
    assert [(found.key.name, found.key.namespace, found.role) for found in feed.aside] == [
        (name, "shop", Role.HOOK) for name in "abcd"
    ]
    assert (problem.rule, problem.severity, problem.place) == ("chart-hooks-not-run", Severity.WARNING, place_of(WEB))
    assert "4 hooks" in problem.message


def test_nobody_is_warned_of_hooks_that_a_delivery_to_clusters_runs():
    assert not rendered(EAST, WEB, APP, answer=made(PAGE, role=Role.HOOK), to="clusters").problems


def test_disabled_hooks_are_dropped_as_helm_drops_them():
    feeds = rendered(EAST, helm_chart(disableHooks=True), APP, answer=made(PAGE, role=Role.HOOK))
    (feed,) = feeds.units.values()
    assert not feed.aside
    assert not feeds.problems


def test_tests_stand_aside_without_a_word():
    feeds = rendered(EAST, WEB, APP, answer=made(PAGE, role=Role.TEST))
    (feed,) = feeds.units.values()
    assert [found.role for found in feed.aside] == [Role.TEST]
    assert not feeds.problems


def test_hooks_are_part_of_the_digest_because_they_run_when_they_change_and_tests_are_not():
    answers = (made(), made(PAGE, role=Role.TEST), made(PAGE, role=Role.HOOK))
    plain, tested, hooked = (next(iter(rendered(EAST, WEB, APP, answer=a).units.values())).digest for a in answers)
    assert plain == tested != hooked


def test_objects_and_hooks_of_a_chart_say_which_chart_they_are_of():
    (feed,) = rendered(EAST, WEB, APP, answer=made(PAGE, role=Role.HOOK)).units.values()
    assert [found.chart for found in feed.aside] == ["charts/web"]
    (feed,) = rendered(EAST, WEB, APP, answer=made(PAGE)).units.values()
    assert {found.key.kind: found.chart for found in feed.objects} == {"Namespace": "", PAGE["kind"]: "charts/web"}


def test_created_namespace_is_never_pruned():
    (feed,) = rendered(EAST, WEB, APP, answer=made()).units.values()
    (space,) = feed.objects
    assert space.body["metadata"]["annotations"] == {"reconciler.clusternet.io/prune": "disabled"}


NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"team": "a"}}}


@pytest.mark.parametrize(
    ("objects", "answer"),
    [
        pytest.param([helm_chart(createNamespace=False), APP], made(), id="not wanted"),
        pytest.param([helm_chart(targetNamespace="default"), APP], made(), id="default"),
        pytest.param([helm_chart(targetNamespace="kube-system"), APP], made(), id="of Kubernetes"),
    ],
)
def test_namespace_is_not_created(objects, answer):
    assert keys(rendered(EAST, *objects, answer=answer)) == []


@pytest.mark.parametrize(
    ("objects", "answer"),
    [
        pytest.param([WEB, NAMESPACE, subscription("app", [everywhere()], WEB, NAMESPACE)], made(), id="a feed"),
        pytest.param([WEB, APP], made(NAMESPACE), id="the chart"),
    ],
)
def test_namespace_of_the_author_wins(objects, answer):
    (feed,) = rendered(EAST, *objects, answer=answer).units.values()
    assert [found.body for found in feed.objects] == [NAMESPACE]


def test_namespace_that_two_subscriptions_want_is_delivered_by_the_first():
    other = helm_chart("other")
    feeds = rendered(EAST, WEB, other, APP, subscription("bee", [everywhere()], other), answer=made())
    assert keys(feeds) == ["Namespace shop"]
    assert keys(feeds, name="default/bee") == []
    assert not feeds.problems


def test_namespace_that_another_subscription_delivers_as_a_feed_is_not_created():
    feeds = rendered(EAST, WEB, APP, NAMESPACE, subscription("zoo", [everywhere()], NAMESPACE), answer=made())
    assert keys(feeds) == []
    assert keys(feeds, name="default/zoo") == ["Namespace shop"]


def test_namespace_that_a_chart_elsewhere_brings_along_is_not_created():
    other = helm_chart("other", chart="brings")
    feeds = rendered(
        *(EAST, WEST, WEB, other, APP, subscription("bee", [labelled(env="prod")], other)),
        answer=lambda question: made(NAMESPACE if question.chart.name == "brings" else PAGE),
    )
    assert keys(feeds) == ["ConfigMap shop/page"]
    assert keys(feeds, name="default/bee") == ["Namespace shop"]
    assert keys(feeds, number=2) == ["ConfigMap shop/page", "Namespace shop"]
    assert not feeds.problems


def test_fault_is_told_once_at_the_chart_and_keeps_its_units():
    fault = ChartAnswer(fault=Fault("chart-not-found", "there is no chart web", "Correct spec.chart."))
    objects = [EAST, WEST, WEB, APP, subscription("bee", [labelled(env="prod")], WEB)]
    feeds = rendered(*objects[:4], config_map("x"), subscription("cee", [everywhere()], config_map("x")), answer=fault)
    (problem,) = feeds.problems
    assert (problem.rule, problem.place, problem.field) == ("chart-not-found", place_of(WEB), ("spec", "chart"))
    assert (problem.message, problem.concerns) == ("there is no chart web", ("default/app",))
    assert feeds.broken == {"default/app"}
    assert {unit.subscription for unit in feeds.units} == {"default/cee"}


def test_fault_of_some_clusters_names_them():
    def answer(question):
        bad = question.values != b"{}"
        return ChartAnswer(fault=Fault("chart-render", "the chart says no", "")) if bad else DEFAULT

    feeds = rendered(EAST, WEST, WEB, APP, localization("l", "fleet-west", WEB, values("a: 1")), answer=answer)
    (problem,) = feeds.problems
    assert problem.message == "the chart says no (on fleet-west/west)"
    assert list(feeds.units) == [Unit("default/app", cluster_id(1))]


def chart_override(text):
    return override(text, "Helm", overrideChart=True)


@pytest.mark.parametrize(
    ("rule", "overrides", "at"),
    [
        pytest.param("chart-version", [], ("spec", "version"), id="of the HelmChart"),
        pytest.param("chart-refused", [], ("spec", "repo"), id="of its repository"),
        pytest.param("chart-render", [], ("spec", "chart"), id="of the chart without values"),
        pytest.param(
            "chart-version", [chart_override("spec: {version: 9.9.9}")], 0, id="of an override of the version"
        ),
        pytest.param(
            "chart-refused", [chart_override("spec: {version: 9.9.9}")], ("spec", "repo"), id="of another one"
        ),
        pytest.param("chart-values", [values("a: 1")], 0, id="of the only values"),
        pytest.param("chart-values", [values("a: 1"), values("b: 1")], ("spec", "chart"), id="of several values"),
    ],
)
def test_fault_stands_where_the_blame_is(rule, overrides, at):
    glob = globalization("g", WEB, *overrides)
    feeds = rendered(EAST, WEB, APP, glob, answer=ChartAnswer(fault=Fault(rule, "no", "")))
    where = (place_of(glob), ("spec", "overrides", at, "value")) if isinstance(at, int) else (place_of(WEB), at)
    assert [(found.place, found.field) for found in feeds.problems if found.rule == rule] == [where]


def test_chart_that_nobody_rendered_is_never_left_out_in_silence():
    snap = snapshot(EAST, WEB, APP)
    feeds = render(snap, schedule(snap, facts(snap), NOTHING_BEFORE), facts(snap))
    assert not feeds.units
    assert [problem.rule for problem in feeds.problems] == ["not-rendered"]


def test_object_that_a_chart_makes_and_a_feed_names_is_one_problem():
    page = config_map("page", namespace="shop")
    feeds = rendered(EAST, WEB, page, subscription("app", [everywhere()], WEB, page))
    (problem,) = feeds.problems
    assert (problem.rule, problem.field, problem.concerns) == (
        "delivered-twice", ("spec", "feeds", 0), ("default/app",)
    )  # fmt: skip
    assert "ConfigMap shop/page" in problem.message
    assert not feeds.units


def test_two_charts_that_make_the_same_objects_are_one_problem():
    other = helm_chart("other")
    both = made(PAGE, bare(service()))
    feeds = rendered(EAST, WEB, other, subscription("app", [everywhere()], WEB, other), answer=both)
    assert [problem.rule for problem in feeds.problems] == ["delivered-twice"]
    assert "and 1 more object" in feeds.problems[0].message


def test_one_release_twice_in_a_subscription_is_one_problem():
    other = helm_chart("web", namespace="more")
    feeds = rendered(EAST, WEB, other, subscription("app", [everywhere()], WEB, other))
    assert [problem.rule for problem in feeds.problems] == ["release-twice"]


def test_one_release_by_two_subscriptions_stays_with_the_first():
    other = helm_chart("web", namespace="more")
    feeds = rendered(EAST, WEST, WEB, other, APP, subscription("bee", [labelled(env="dev")], other))
    (problem,) = feeds.problems
    assert (problem.rule, problem.concerns) == ("release-twice", ("default/bee",))
    assert "fleet-west/west" in problem.message
    assert {unit.subscription for unit in feeds.units} == {"default/app"}


def test_object_of_a_chart_that_another_subscription_delivers_stays_with_the_first():
    page = config_map("page", namespace="shop")
    feeds = rendered(EAST, WEST, WEB, page, APP, subscription("bee", [labelled(env="dev")], page))
    (problem,) = feeds.problems
    assert (problem.rule, problem.concerns) == ("delivered-twice", ("default/bee",))
    assert Unit("default/bee", cluster_id(2)) not in feeds.units
    assert feeds.broken == {"default/bee"}


def test_export_follows_a_service_of_a_chart():
    feeds = rendered(EAST, WEB, APP, service_export(namespace="shop"), answer=made(bare(service())))
    assert "ServiceExport.multicluster.x-k8s.io shop/web" in keys(feeds)


def test_export_whose_service_no_chart_makes_is_a_problem():
    export = service_export("other", namespace="shop")
    feeds = rendered(EAST, WEB, APP, export, answer=made(bare(service())))
    assert [(problem.rule, problem.place) for problem in feeds.problems] == [
        ("export-without-service", place_of(export))
    ]


def test_export_is_not_judged_while_a_chart_cannot_be_rendered():
    fault = ChartAnswer(fault=Fault("chart-not-found", "there is no chart web", ""))
    feeds = rendered(EAST, WEB, APP, service_export(namespace="shop"), answer=fault)
    assert [problem.rule for problem in feeds.problems] == ["chart-not-found"]


def test_what_is_no_object_is_a_problem_of_the_chart():
    feeds = rendered(EAST, WEB, APP, answer=made({"just": "values"}))
    assert [problem.rule for problem in feeds.problems] == ["chart-object"]
    assert not feeds.units


def test_change_of_the_chart_or_its_values_shows_in_what_was_read():
    before, content, own = (
        rendered(EAST, WEB, APP),
        rendered(EAST, WEB, APP, answer=msgspec.structs.replace(DEFAULT, digest=Digest("new"))),
        rendered(EAST, WEB, APP, globalization("g", WEB, values("a: 1"))),
    )
    unit = Unit("default/app", cluster_id(1))
    reads = [set(feeds.units[unit].reads) for feeds in (before, content, own)]
    assert {read.of for read in reads[0] ^ reads[1]} == {ReadOf.CHART}
    assert {read.of for read in reads[0] ^ reads[2]} == {ReadOf.CHART, ReadOf.OVERRIDES}


def test_value_that_the_chart_never_reads_is_warned_of_at_every_override_that_sets_it():
    own = [localization("own", f"fleet-{name}", WEB, values("colour: red")) for name in ("east", "west")]
    feeds = rendered(EAST, WEST, WEB, APP, *own, answer=made(PAGE, reads=frozenset({"/color"})))
    assert [(found.rule, found.place) for found in feeds.problems] == [("value-unread", place_of(obj)) for obj in own]
    assert len(feeds.units) == 2
