"""What helm makes of charts that lie in the fleet repo: the same as by hand, sorted by role, told without values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.adapters.tools import helm
from reconciler.model.inflation import ChartObject, Fault, Role
from reconciler.model.objects import canonical
from tests.plugins import charts
from tests.plugins.charts import SHAPES
from tests.wire.charts.asking import Run, in_repo, of_repo

pytestmark = pytest.mark.needs_tool("helm")

BIG_VALUES = {"rows": [f"{'x' * 500}-{number}" for number in range(2000)]}
CASES: dict[str, tuple[Any, tuple[str, ...], dict[str, Any]]] = {
    "plain": ({"color": "0x1F", "nested": {"deep": None}}, (), {}),
    "hooks": ({}, (), {}),
    "definitions": ({}, (), {}),
    "family": ({"global": {"zone": "b"}, "second": {"size": "9Gi"}}, (), {}),
    "lookup": ({}, (), {}),
    "capabilities": (
        {},
        ("--kube-version=v1.31.4", "--api-versions=monitoring.coreos.com/v1,monitoring.coreos.com/v1/ServiceMonitor"),
        {"kubernetes": "v1.31.4", "apis": ("monitoring.coreos.com/v1/ServiceMonitor",)},
    ),
    "big": (BIG_VALUES, (), {}),
    "schema": ({"replicas": 3, "password": "pw"}, (), {}),
}


def by_hand(tmp_path: Path, shape: str, values: object, flags: tuple[str, ...]) -> list[Any]:
    chart = charts.write_chart(tmp_path / shape, SHAPES[shape])
    (tmp_path / "values.json").write_bytes(canonical(values))
    flags = ("--namespace", "apps", "--include-crds", "--values", str(tmp_path / "values.json"), *flags)
    said = charts.helm("template", "web", str(chart), *flags, home=tmp_path)
    return [found for found in yaml.safe_load_all(said) if found]


@pytest.mark.parametrize("shape", CASES)
async def test_what_is_made_is_what_helm_template_prints(tmp_path: Path, shape: str) -> None:
    values, flags, more = CASES[shape]
    files = in_repo(SHAPES[shape], shape)
    answer = await Run(tmp_path / "cache", files).good(of_repo(files, shape, values, **more))
    expected = by_hand(tmp_path, shape, values, flags)
    assert expected
    assert [made.body for made in answer.objects] == expected


def roles(objects: tuple[ChartObject, ...]) -> Mapping[str, Role]:
    return {f"{made.body['kind']}/{made.body['metadata']['name']}": made.role for made in objects}


async def test_hooks_and_tests_are_told_from_objects(tmp_path: Path) -> None:
    files = in_repo(SHAPES["hooks"], "hooks")
    answer = await Run(tmp_path, files).good(of_repo(files, "hooks"))
    assert roles(answer.objects) == {"ConfigMap/web": Role.OBJECT, "Job/migrate": Role.HOOK, "Pod/probe": Role.TEST}


async def test_only_what_lies_in_crds_is_a_definition(tmp_path: Path) -> None:
    files = in_repo(SHAPES["definitions"], "definitions")
    run = Run(tmp_path, files)
    answer = await run.good(of_repo(files, "definitions"))
    assert roles(answer.objects) == {
        "CustomResourceDefinition/widgets.example.com": Role.DEFINITION,
        "CustomResourceDefinition/gears.example.com": Role.DEFINITION,
        "Widget/one": Role.OBJECT,
    }
    skipped = await run.good(of_repo(files, "definitions", skip_crds=True))
    assert list(roles(skipped.objects)) == ["Widget/one"]


async def test_lists_are_opened_and_the_last_of_two_keys_wins_as_with_kubectl(tmp_path: Path) -> None:
    files = in_repo(SHAPES["loose"], "loose")
    answer = await Run(tmp_path, files).good(of_repo(files, "loose"))
    made = {found.body["metadata"]["name"]: found.body for found in answer.objects}
    assert made.keys() == {"first", "second", "third"}
    assert made["third"]["metadata"]["labels"] == {"a": "2"}
    assert {made.source for made in answer.objects} == {"loose/templates/list.yaml", "loose/templates/twice.yaml"}


async def test_a_chart_may_be_the_directory_itself_or_lie_in_it(tmp_path: Path) -> None:
    files = in_repo(SHAPES["plain"], "plain")
    run = Run(tmp_path, files)
    inside = of_repo(files, "plain")
    itself = type(inside)(type(inside.chart)("charts/plain", "plain"), "web", "apps", files=inside.files)
    assert (await run.good(inside)).objects == (await run.good(itself)).objects
    nowhere = await run.one(of_repo(files, "none"))
    assert nowhere.fault is not None
    assert nowhere.fault.rule == "chart-path"


async def test_a_thousand_api_versions_reach_the_chart(tmp_path: Path) -> None:
    files = in_repo(SHAPES["capabilities"], "capabilities")
    apis = tuple(f"group{number}.example.com/v1/{'Kind' * 10}{number}" for number in range(5000))
    apis += ("monitoring.coreos.com/v1/ServiceMonitor",)
    answer = await Run(tmp_path, files).good(of_repo(files, "capabilities", apis=apis))
    assert answer.objects[0].body["data"]["monitors"] == "true"


async def test_defaults_hold_those_of_subcharts_below_their_aliases(tmp_path: Path) -> None:
    files = in_repo(SHAPES["family"], "family")
    answer = await Run(tmp_path, files).good(of_repo(files, "family"))
    assert answer.defaults["store"] == {"size": "5Gi", "keep": True, "enabled": True}
    assert answer.defaults["second"] == {"size": "1Gi", "keep": True, "prefix": "two"}
    assert {"/store/size", "/second/size", "/global/zone", "/team", "/store/enabled", "/second/prefix"} <= answer.reads
    assert "/store/keep" not in answer.reads
    assert not answer.reads_everything


CANARY = "c4n4ry-value"


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ('{{ fail (printf "bad %s" .Values.secret) }}', "x.yaml:1:3: the chart refuses its values"),
        ("{{ required .Values.secret .Values.none }}", "the chart refuses its values"),
        ("{{ .Values.secret.a.b }}", "a value that it reads is absent, or of another type"),
        ("{{ .Values.secret | toDate }}", "the function toDate failed"),
        ("{{ tpl .Values.broken . }}", "the function tpl failed"),
        ("a: {{ .Values.secret }}: b: c", "it makes no object that can be read"),
        ("kind: [{{ .Values.secret }}]", "it makes no object that can be read"),
        ("{{ include .Values.secret . }}", "the function include failed"),
        ("{{ if", "cannot be parsed"),
    ],
)
async def test_helms_errors_are_told_without_values(tmp_path: Path, template: str, told: str) -> None:
    files = in_repo({**SHAPES["plain"], "templates/x.yaml": template}, "plain")
    values = {"secret": CANARY, "broken": "{{ " + CANARY}
    answer = await Run(tmp_path, files).one(of_repo(files, "plain", values))
    assert answer.fault is not None
    assert told in answer.fault.message
    assert "plain/templates/x.yaml" in answer.fault.message
    assert CANARY not in answer.fault.message + answer.fault.hint
    assert "\n" not in answer.fault.message


async def test_a_schema_tells_where_values_do_not_fit_and_not_what_they_are(tmp_path: Path) -> None:
    files = in_repo(SHAPES["schema"], "schema")
    run = Run(tmp_path, files)
    values = {"replicas": 0, "password": CANARY, "unknown": 1}
    fault = (await run.one(of_repo(files, "schema", values))).fault
    assert fault is not None
    assert fault.rule == "chart-values"
    assert "/replicas: minimum" in fault.message
    assert "/password: does not fit" in fault.message
    assert CANARY not in fault.message


async def test_a_cluster_that_is_too_old_is_told(tmp_path: Path) -> None:
    files = in_repo(SHAPES["capabilities"], "capabilities")
    fault = (await Run(tmp_path, files).one(of_repo(files, "capabilities", kubernetes="v1.19.3"))).fault
    assert fault is not None
    assert fault.message == "the chart wants Kubernetes >=1.20.0-0, and the cluster has v1.19.3"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"Chart.yaml": "name: plain\n"}, "no Chart.yaml with a name and a version"),
        ({"Chart.yaml": charts.chart_yaml("plain", more="type: library\n")}, "library chart"),
        (
            {"Chart.yaml": charts.chart_yaml("plain", more="dependencies: [{name: gone, version: 1.0.0}]\n")},
            "depends on gone, which is not in its `charts` directory",
        ),
        ({"charts/x.tgz": "no archive"}, "damaged"),
    ],
    ids=["no-version", "library", "undownloaded", "damaged-subchart"],
)
async def test_a_chart_that_cannot_be_used_is_told(tmp_path: Path, change: dict[str, str], told: str) -> None:
    files = in_repo({**SHAPES["plain"], **change}, "plain")
    fault = (await Run(tmp_path, files).one(of_repo(files, "plain"))).fault
    assert fault is not None
    assert fault.rule == "chart-invalid"
    assert told in fault.message


async def test_a_chart_without_end_is_a_fault_in_bounded_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helm, "LONGEST", 3.0)
    loop = "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}"
    files = in_repo({**SHAPES["plain"], "templates/x.yaml": loop}, "plain")
    other = in_repo(SHAPES["hooks"], "hooks")
    run = Run(tmp_path, {**files, **other})
    endless, good = await run.ask(of_repo(files, "plain"), of_repo(other, "hooks"))
    assert endless.fault is not None
    assert endless.fault == Fault("chart-render", "helm did not end within 3 s", "Look for a loop in its templates.")
    assert good.fault is None


async def test_a_chart_that_makes_too_much_is_a_fault_in_bounded_memory(tmp_path: Path) -> None:
    large = '{{ range until 40000 }}{{ repeat 1000 "x" }}{{ end }}'
    huge = '{{ range until 100000 }}{{ repeat 100000 "x" }}{{ end }}'
    files = in_repo({**SHAPES["plain"], "templates/x.yaml": f"a: {large}"}, "plain")
    more = in_repo({**SHAPES["plain"], "Chart.yaml": charts.chart_yaml("more"), "templates/x.yaml": huge}, "more")
    run = Run(tmp_path, {**files, **more})
    for answer in await run.ask(of_repo(files, "plain"), of_repo(more, "more")):
        assert answer.fault is not None
        assert answer.fault.rule == "chart-render"


async def test_no_helm_is_one_fault_that_says_how_to_get_it(tmp_path: Path) -> None:
    files = in_repo(SHAPES["plain"], "plain")
    fault = (
        await Run(tmp_path, files, environment={"RECONCILER_HELM": "/nowhere/helm"}).one(of_repo(files, "plain"))
    ).fault
    assert fault is not None
    assert fault.rule == "no-program"
