"""Templates before they are filled: what they make, what their text may not say, and values files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.objects import digest_bytes
from reconciler.model.snapshot import Severity, Snapshot
from reconciler.source import templates
from reconciler.source.overrides import TEMPLATE
from tests.repos import SETTINGS, read_repo

HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: web}\n"
APPS = "apiVersion: apps.clusternet.io/v1alpha1\n"
EITHER = "{% if x %}\nkind: A\n{% else %}\nkind: B\n{% endif %}\n"
FOUND = [("v1", "ConfigMap", "web", "a")]


def made(text: str) -> list[tuple[str, str, str, str]]:
    parsed = templates.parse(text.encode())
    assert parsed.made.faults == ()
    heads = [document.value for document in parsed.made.documents]
    return [(h["apiVersion"], h["kind"], h["metadata"].get("namespace", ""), h["metadata"]["name"]) for h in heads]


def faults(text: str) -> list[tuple[str, int]]:
    return [(found.fault.rule, found.fault.line) for found in templates.parse(text.encode()).made.faults]


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "data: {a: {{ cluster.name }}}\n",
        "{# why #}\n{% set x = 1 %}\n" + HEAD,
        "# first\n---\n" + HEAD + "---\n# nothing\n{% if x %}{% endif %}\n",
        "{% macro m() %}\nkind: Secret\nmetadata: {name: no}\n{% endmacro %}\n" + HEAD + "data: {{ m() }}\n",
        "{% set block %}\nkind: Secret\n{% endset %}\n---\n" + HEAD,
        "{% if cluster.labels.x %}\n" + HEAD + "{% endif %}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels:\n"
        "{{ x | to_yaml | indent(4, true) }}\n  namespace: web\n",
        "apiVersion: v1\nkind: 'ConfigMap'  # note\nmetadata:\n"
        "  annotations: {a: \"{{ x }}\"}\n  namespace: web\n  name: \"a\"\n",
        "kind: ConfigMap\ndata:\n  kind: Secret\n  x: |\n    metadata: {name: b}\n"
        "metadata: {namespace: web, name: a}\napiVersion: v1\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  annotations:\n"
        "    x: {% if y %}1{% endif %} {{ z }}: w: v\n  name: a\n  namespace: web\n",
        '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "web"}, '
        '"data": {{ x | to_json }}}',
        '{\n"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "web"},\n"data": {\n'
        '{% for x in y %}\n"{{ x }}": "b"{% if not loop.last %},{% endif %}\n{% endfor %}\n}}\n',
        HEAD.replace("\n", "\r\n"),
        "\ufeff" + HEAD,
        "{% raw %}\n" + HEAD + "data: {a: '{{ not filled }}'}\n{% endraw %}\n",
    ],
)  # fmt: skip
def test_identity_is_found_in_the_text(text: str) -> None:
    assert made(text) == FOUND


def test_every_document_is_found_with_its_line() -> None:
    text = f"{{% set x = 1 %}}\n---\n{HEAD}---\n\n{HEAD.replace('name: a', 'name: b')}"
    assert [(d.line, d.value["metadata"]["name"]) for d in templates.parse(text.encode()).made.documents] == [
        (3, "a"),
        (8, "b"),
    ]


def test_only_literal_labels_are_kept() -> None:
    text = "apiVersion: v1\nkind: A\nmetadata:\n  name: a\n  labels:\n    app: web\n    env: {{ cluster.labels.env }}\n"
    (document,) = templates.parse(text.encode()).made.documents
    assert document.value["metadata"]["labels"] == {"app": "web"}


@pytest.mark.parametrize(
    ("text", "rule", "line"),
    [
        (HEAD.replace("name: a", "name: a-{{ x }}"), "template-identity", 1),
        (HEAD.replace("kind: ConfigMap", "kind: {% if x %}ConfigMap{% else %}Role{% endif %}"), "template-identity", 1),
        (HEAD.replace("namespace: web", "namespace: '{{ x }}'"), "template-identity", 1),
        (HEAD.replace("apiVersion: v1\n", ""), "template-identity", 1),
        (HEAD + "---\nkind: A\napiVersion: v1\nmetadata: {generateName: a}\n", "template-identity", 5),
        ("{{ everything }}\n", "template-identity", 1),
        ("a: b\n", "template-identity", 1),
        (EITHER + "apiVersion: v1\nmetadata: {name: a}\n", "template-identity", 2),
        ("apiVersion: v1\nkind: ConfigMapList\nmetadata: {name: a}\nitems: []\n", "template-identity", 1),
        (APPS + "kind: Subscription\nmetadata: {name: a}\n", "template-control-kind", 1),
        (APPS + "kind: Base\nmetadata: {name: a}\n", "template-control-kind", 1),
        (HEAD + "{% for %}", "template-syntax", 4),
        (HEAD + "{{ x | nothing }}", "template-syntax", 4),
        (HEAD + "{{ x is nothing }}", "template-syntax", 4),
        (HEAD + "{% import 'x' as y %}", "template-syntax", 4),
        (HEAD + "{{ x | random }}", "template-syntax", 4),
        (HEAD + "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "template-limit", 1),
        (HEAD + "# " + "x" * (1 << 20), "template-limit", 1),
    ],
)  # fmt: skip
def test_what_a_template_cannot_be_is_one_fault_with_its_line(text: str, rule: str, line: int) -> None:
    assert faults(text) == [(rule, line)]


def test_text_that_is_not_utf_8_is_a_fault() -> None:
    assert [found.fault.rule for found in templates.parse(b"a: \xff\n").made.faults] == ["yaml-encoding"]


@given(st.text(alphabet="{}%#-\n \"':abcdkinmet|()[].,") | st.text())
def test_no_text_stops_the_reading(text: str) -> None:
    templates.parse(text.encode("utf-8", "replace"))


def test_nothing_is_evaluated_while_a_template_is_read() -> None:
    templates.parse((HEAD + "{{ 10 ** 10 ** 10 }}{{ 'x' * 10 ** 12 }}{{ 'x' | center(10 ** 12) }}").encode())


def read(files: dict[str, str], settings: str = "") -> Snapshot:
    snapshot, _ = read_repo({**SETTINGS, **files, **({"fleet.yaml": "fleet: demo\n" + settings} if settings else {})})
    assert snapshot is not None
    return snapshot


def subscription(name: str, feed: str = "kind: ConfigMap, apiVersion: v1", more: str = "") -> str:
    return (
        f"apiVersion: apps.clusternet.io/v1alpha1\nkind: Subscription\nmetadata: {{name: {name}, namespace: fleet}}\n"
        f"spec:\n  subscribers: [{{clusterAffinity: {{}}}}]\n  feeds: [{{{feed}, namespace: web, name: a}}]\n{more}"
    )


def held(snapshot: Snapshot) -> set[str]:
    return {n for problem in snapshot.problems if problem.severity is Severity.ERROR for n in problem.concerns}


def test_template_is_a_resource_that_feeds_name() -> None:
    text = HEAD + "data: {a: {{ cluster.name }}}\n"
    snapshot = read({"a.yaml.j2": text, "s.yaml": subscription("s")})
    assert snapshot.problems == ()
    (resource,) = snapshot.resources.values()
    assert (resource.template, resource.digest, resource.place.path) == (
        "a.yaml.j2",
        digest_bytes(text.encode()),
        "a.yaml.j2",
    )
    assert snapshot.templates["a.yaml.j2"].text == text
    assert snapshot.resource(snapshot.feeds["fleet/s"][0]) == resource


def test_namespaced_object_of_a_template_is_in_default() -> None:
    snapshot = read({"a.json.j2": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}'})
    assert [str(key) for key in snapshot.resources] == ["ConfigMap default/a"]


def test_same_object_in_a_file_and_a_template_is_a_problem() -> None:
    snapshot = read({"a.yaml": HEAD, "a.yml.j2": HEAD, "s.yaml": subscription("s")})
    assert [problem.rule for problem in snapshot.problems] == ["duplicate-object"]
    assert held(snapshot) == {"fleet/s"}


@pytest.mark.parametrize("text", [HEAD + "{{ x", HEAD + "{% nothing %}"])
def test_broken_template_holds_who_delivers_its_objects(text: str) -> None:
    other = subscription("other", "apiVersion: v1, kind: Secret")
    secret = HEAD.replace("ConfigMap", "Secret")
    files = {"a.yaml.j2": text, "b.yaml": secret, "s.yaml": subscription("s"), "t.yaml": other}
    assert held(read(files)) == {"fleet/s"}


def test_template_that_nobody_delivers_is_no_problem() -> None:
    assert read({"a.yaml.j2": HEAD}).problems == ()


def test_values_files_are_read_and_are_no_objects() -> None:
    values = "templates: {values: [values/all.yaml, 'values/{labels.env}/{name}.yaml']}\n"
    files = {
        "values/all.yaml": "a: 0644\n",
        "values/prod/east.yaml": "b: [yes]\n",
        "values/other.txt": "x",
        "a.yaml": HEAD,
    }
    snapshot = read(files, values)
    assert snapshot.data == {"values/all.yaml": {"a": 420}, "values/prod/east.yaml": {"b": [True]}}
    assert [problem.rule for problem in snapshot.problems] == ["yaml-boolean"]
    assert [str(key) for key in snapshot.resources] == ["ConfigMap web/a"]


def test_values_file_may_be_ignored_as_an_object_and_may_be_empty() -> None:
    snapshot = read(
        {"values/all.yaml": "", "a.yaml": HEAD}, "ignore: [values/**]\ntemplates: {values: [values/all.yaml]}\n"
    )
    assert snapshot.data == {"values/all.yaml": {}}
    assert snapshot.problems == ()


def test_broken_values_file_holds_who_uses_templates_and_nobody_else() -> None:
    override = (
        f"apiVersion: apps.clusternet.io/v1alpha1\nkind: Globalization\nmetadata: {{name: g, annotations: "
        f"{{{TEMPLATE}: jinja2}}}}\nspec:\n  feed: {{apiVersion: v1, kind: Secret, namespace: web, name: a}}\n"
        "  overrides: [{type: MergePatch, value: 'data: {a: \"{{ values.a }}\"}'}]\n"
    )
    kinds = {
        "cm": "apiVersion: v1, kind: ConfigMap",
        "se": "apiVersion: v1, kind: Secret",
        "sv": "apiVersion: v1, kind: Service",
    }
    files = {f"{name}.yaml": subscription(name, feed) for name, feed in kinds.items()}
    files |= {"o.yaml": override, "a.yaml.j2": HEAD, "v.yaml": "a: [\n"}
    files |= {"b.yaml": HEAD.replace("ConfigMap", "Secret"), "c.yaml": HEAD.replace("ConfigMap", "Service")}
    assert held(read(files, "templates: {values: [v.yaml]}\n")) == {"fleet/cm", "fleet/se"}


def divided(kind: str, body: str) -> set[str]:
    text = f"apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: a, namespace: web}}\n{body}"
    beside = (
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: b, namespace: web}\nspec: {}\n  replicas: 3\n"
    )
    more = "  schedulingStrategy: Dividing\n  dividingScheduling: {type: Static}\n"
    return held(
        read({"a.yaml.j2": text + beside, "s.yaml": subscription("s", f"apiVersion: apps/v1, kind: {kind}", more)})
    )


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("Deployment", "spec:\n  replicas: {{ values.replicas }}\n", {"fleet/s"}),
        ("StatefulSet", "spec: {\n  'replicas': 3}\n", {"fleet/s"}),
        ("Deployment", "spec:\n  selector: {}\n", set()),
        ("DaemonSet", "spec:\n  replicas: 3\n", set()),
    ],
)
def test_replicas_in_a_template_cannot_be_divided(kind: str, body: str, expected: set[str]) -> None:
    assert divided(kind, body) == expected
