"""Templates: what they may use, the objects that they make, and values of overrides that are filled.

Answers are plain values: a text filled with `str.format`, so that nothing here runs jinja2.
"""

import json

import msgspec
import pytest
import yaml

from reconciler.model.feed import ReadOf, Unit
from reconciler.model.inflation import Fault, TemplateAnswer, TemplateRender
from reconciler.model.objects import digest_bytes, key_of
from reconciler.model.settings import Settings, Templates
from reconciler.model.snapshot import Place, Resource, Template
from reconciler.render.inflations import inflations
from reconciler.render.render import render
from reconciler.render.templates import context_of, values_paths
from reconciler.scheduling.schedule import schedule
from tests.unit.render.test_charts import WEB as CHART
from tests.unit.snapshots import (
    NOTHING_BEFORE,
    cluster,
    cluster_id,
    config_map,
    everywhere,
    facts,
    globalization,
    localization,
    override,
    place_of,
    snapshot,
    subscription,
)

EAST, WEST = cluster("east", 1, {"region": "eu"}), cluster("west", 2, {"region": "us"})
PAGE = config_map("page")
PATH = "apps/page.yaml.j2"
APP = subscription("app", [everywhere()], PAGE)
UNIT = Unit("default/app", cluster_id(1))


def text(data="<cluster[labels][region]>", name="page", extra=""):
    body = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{region: {data}}}\n{extra}"
    return body.replace("{", "{{").replace("}", "}}").replace("<", "{").replace(">", "}")


def filled(question):
    """The stand-in for jinja2: what `str.format` makes of the variables."""
    variables = json.loads(question.context)
    try:
        made = question.text.format(**variables)
    except KeyError as missing:
        return TemplateAnswer(fault=Fault("template-undefined", f"{missing} is not there", "Correct it.", line=4))
    return TemplateAnswer(made, tuple(yaml.safe_load_all(made)))


NO_VALUES = Templates()


def templated(*objects, template=None, settings=NO_VALUES, data=None):
    """A snapshot of these objects, where `PAGE` is made by a template."""
    snap = snapshot(*objects)
    changed = {"settings": Settings(fleet="demo", templates=settings), "data": data or {}}
    if template is not None:
        resource = Resource(Place(PATH), key_of(PAGE), "v1", PAGE, digest_bytes(template.encode()), PATH)
        changed["resources"] = {**snap.resources, resource.key: resource}
        changed["templates"] = {PATH: Template(PATH, template, resource.digest)}
    return msgspec.structs.replace(snap, **changed)


def answered(snap, answer=filled):
    known = facts(snap)
    scheduled, answers, rounds = schedule(snap, known, NOTHING_BEFORE), {}, []
    while wanted := inflations(snap, scheduled, known, answers):
        rounds.append(wanted)
        answers |= {question: answer(question) for question in wanted}
    return render(snap, scheduled, known, answers), rounds


def regions(feeds):
    return [feed.objects[0].body["data"]["region"] for feed in feeds.units.values()]


def test_template_makes_its_object_for_each_cluster():
    feeds, _ = answered(templated(EAST, WEST, APP, template=text()))
    assert regions(feeds) == ["eu", "us"]
    assert [str(feed.objects[0].key) for feed in feeds.units.values()] == ["ConfigMap default/page"] * 2
    assert not feeds.problems


def test_clusters_with_equal_texts_share_objects():
    feeds, rounds = answered(templated(EAST, WEST, APP, template=text("<fleet>")))
    east, west = feeds.units.values()
    assert east.objects is west.objects
    assert east.reads is west.reads
    assert len(rounds[0]) == 2


def test_questions_of_one_cluster_share_their_variables():
    other = localization("l", "fleet-east", PAGE, override("data: {a: b}"))
    other["metadata"]["annotations"] = {"reconciler.clusternet.io/template": "jinja2"}
    _, ((one, two),) = answered(templated(EAST, APP, other, template=text()))
    assert one.context is two.context


def test_variables_of_a_cluster():
    known = msgspec.structs.replace(
        facts(snapshot(EAST))[cluster_id(1)], kubernetes="v1.31.0", annotations={"team": "a"}, apis={"v1/Pod": True}
    )
    variables = json.loads(context_of(known, templated(EAST)))
    assert variables == {
        "cluster": {
            "id": cluster_id(1),
            "name": "east",
            "namespace": "fleet-east",
            "labels": {"region": "eu"},
            "annotations": {"team": "a"},
            "syncMode": "Push",
            "kubernetes": "v1.31.0",
            "platform": "",
            "taints": [],
            "capacity": {},
            "allocatable": {},
        },
        "fleet": "demo",
        "values": {},
    }


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("values/all.yaml", ["values/all.yaml"]),
        ("values/{labels.region}.yaml", ["values/eu.yaml"]),
        ("values/{ cluster.labels.region }.yaml", ["values/eu.yaml"]),
        ("{namespace}/{name}-{id}.yaml", [f"fleet-east/east-{cluster_id(1)}.yaml"]),
        ("values/{labels.zone}.yaml", []),
        ("values/{kubernetes}.yaml", []),
        ("values/{broken.yaml", []),
    ],
)
def test_values_files_of_a_cluster(pattern, paths):
    assert list(values_paths(facts(snapshot(EAST))[cluster_id(1)], [pattern])) == paths


def test_values_files_are_laid_over_each_other_and_read():
    settings = Templates(values=("values/all.yaml", "values/{labels.region}.yaml", "values/{name}.yaml"))
    data = {"values/all.yaml": {"a": {"b": 1, "c": 2}}, "values/eu.yaml": {"a": {"c": 3}}}
    snap = templated(EAST, APP, template=text("<values[a][b]>-<values[a][c]>"), settings=settings, data=data)
    feeds, _ = answered(snap)
    assert regions(feeds) == ["1-3"]
    asked = {read.subject: read.digest for read in feeds.units[UNIT].reads if read.of is ReadOf.TEMPLATE}
    assert asked.keys() == {PATH, "values/all.yaml", "values/eu.yaml", "values/east.yaml"}
    assert not asked["values/east.yaml"]
    assert asked["values/eu.yaml"]


def test_overrides_change_what_a_template_made():
    change = globalization("g", PAGE, override("data: {more: x}"))
    feeds, _ = answered(templated(EAST, WEST, APP, change, template=text()))
    data = [feed.objects[0].body["data"] for feed in feeds.units.values()]
    assert data == [{"region": "eu", "more": "x"}, {"region": "us", "more": "x"}]


def test_object_that_a_cluster_does_not_get_is_absent_there():
    def only_in_eu(question):
        return filled(question) if '"eu"' in question.context.decode() else TemplateAnswer("", (None,))

    feeds, _ = answered(templated(EAST, WEST, APP, template=text()), only_in_eu)
    assert [len(feed.objects) for feed in feeds.units.values()] == [1, 0]
    assert not feeds.problems


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(text(name="<cluster[name]>"), id="another name"),
        pytest.param(text(extra="---\njust text\n"), id="no object"),
        pytest.param(f"{text()}---\n{text()}", id="twice"),
        pytest.param(text().replace("v1", "v2"), id="another version"),
    ],
)
def test_identity_that_the_text_does_not_have_is_a_problem(made):
    feeds, _ = answered(templated(EAST, APP, template=made))
    (problem,) = feeds.problems
    assert (problem.rule, problem.place, problem.concerns) == ("template-identity", Place(PATH), ("default/app",))
    assert not feeds.units


def test_fault_is_told_once_at_its_line_with_the_clusters_that_have_it():
    south = cluster("south", 3)
    feeds, _ = answered(templated(EAST, WEST, south, APP, template=text()))
    (problem,) = feeds.problems
    assert (problem.rule, problem.place, problem.line) == ("template-undefined", Place(PATH), 4)
    assert problem.message.endswith("(on fleet-south/south)")
    assert {unit.cluster for unit in feeds.units} == {cluster_id(1), cluster_id(2)}
    assert feeds.broken == {"default/app"}


def test_template_that_nobody_filled_is_never_left_out_in_silence():
    snap = templated(EAST, APP, template=text())
    feeds = render(snap, schedule(snap, facts(snap), NOTHING_BEFORE), facts(snap))
    assert not feeds.units
    assert [problem.rule for problem in feeds.problems] == ["not-rendered"]


def jinja(obj):
    annotations = {"reconciler.clusternet.io/template": "jinja2"}
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}


COLOR = "data: {{color: {cluster[labels][region]}}}"


def test_templated_override_is_filled_for_each_cluster():
    feeds, ((one, _),) = answered(templated(EAST, WEST, PAGE, APP, jinja(globalization("g", PAGE, override(COLOR)))))
    assert [feed.objects[0].body["data"]["color"] for feed in feeds.units.values()] == ["eu", "us"]
    assert isinstance(one, TemplateRender)
    assert one.path.startswith("Globalization/g.yaml#")


def test_templated_override_with_equal_texts_shares_objects():
    constant = jinja(globalization("g", PAGE, override("data: {{color: {fleet}}}")))
    feeds, _ = answered(templated(EAST, WEST, PAGE, APP, constant))
    east, west = feeds.units.values()
    assert east.objects is west.objects


def test_blank_templated_override_asks_nothing():
    feeds, rounds = answered(templated(EAST, PAGE, APP, jinja(globalization("g", PAGE, override(" ")))))
    assert not rounds
    assert feeds.units[UNIT].objects[0].body == PAGE


def test_fault_of_a_templated_override_stands_at_its_entry():
    glob = jinja(globalization("g", PAGE, override("data: {{a: b}}"), override("data: {{color: {missing}}}")))
    feeds, _ = answered(templated(EAST, PAGE, APP, glob))
    (problem,) = feeds.problems
    assert (problem.rule, problem.place, problem.field) == (
        "template-undefined",
        place_of(glob),
        ("spec", "overrides", 1, "value"),
    )
    assert not feeds.units


def test_templated_override_that_becomes_two_documents_is_a_problem():
    glob = jinja(globalization("g", PAGE, override("a: 1\n---\nb: {fleet}")))
    feeds, _ = answered(templated(EAST, PAGE, APP, glob))
    assert [problem.rule for problem in feeds.problems] == ["override-value"]


def test_templated_values_are_filled_before_the_chart_is_asked_for():
    app = subscription("app", [everywhere()], CHART)
    glob = jinja(globalization("g", CHART, override("region: {cluster[labels][region]}", "Helm")))
    snap = templated(EAST, WEST, CHART, app, glob)
    known = facts(snap)
    scheduled = schedule(snap, known, NOTHING_BEFORE)
    first = inflations(snap, scheduled, known, {})
    assert all(isinstance(question, TemplateRender) for question in first)
    second = inflations(snap, scheduled, known, {question: filled(question) for question in first})
    assert [question.values for question in second] == [b'{"region":"eu"}', b'{"region":"us"}']
