"""Which values a chart reads, as far as the text of its templates tells."""

import pytest

from reconciler.source.chartvalues import defaults, reads

CHART = {"Chart.yaml": "name: web\nversion: 1.0.0\n"}


def files(**texts: str) -> dict[str, bytes]:
    return {path: text.encode() for path, text in {**CHART, **texts}.items()}


def template(text: str) -> dict[str, bytes]:
    return files(**{"templates/x.yaml": text})


@pytest.mark.parametrize(
    ("text", "pointers"),
    [
        ("{{ .Values.a }}", {"/a"}),
        ("{{ $.Values.a.b | quote }}", {"/a/b"}),
        ("{{- if and .Values.a (not .Values.b.c) -}}", {"/a", "/b/c"}),
        ('{{ index .Values "a-b" "c/d" }}', {"/a-b/c~1d"}),
        ('{{ index .Values.a "b" }}', {"/a/b"}),
        ('{{ hasKey .Values "a" }}', {"/a"}),
        ('{{ dig "a" "b" "none" .Values.c }}', {"/c/a/b"}),
        ("{{ with .Values.a }}{{ .b }}{{ end }}", {"/a"}),
        ("{{/* .Values.a */}}{{ .Values.b }}", {"/b"}),
        (".Values.a outside of an action", set()),
        ("{{ range $k, $v := .Values.a }}", {"/a"}),
        ('{{ include "x" (dict "v" .Values.a.b) }}', {"/a/b"}),
        ("{{ if\n .Values.a\n}}", {"/a"}),
    ],
)
def test_what_a_template_names_is_read(text: str, pointers: set[str]) -> None:
    found = reads(template(text))
    assert found.pointers == pointers
    assert not found.everything


@pytest.mark.parametrize(
    "text",
    [
        "{{ toYaml .Values }}",
        "{{ .Values | toJson }}",
        "{{ $v := .Values }}",
        "{{ range $k, $v := .Values }}",
        '{{ include "x" (dict "values" .Values) }}',
        "{{ index .Values .Values.which }}",
        "{{ merge .Values .Values.more }}",
    ],
)
def test_values_that_are_handed_on_whole_are_all_read(text: str) -> None:
    assert reads(template(text)).everything


def test_subcharts_read_below_their_names_and_aliases_and_global_values_everywhere() -> None:
    found = reads(
        files(
            **{
                "Chart.yaml": "name: web\nversion: 1.0.0\ndependencies:\n"
                "- {name: db, alias: main, condition: main.on}\n- name: db\n",
                "charts/db/Chart.yaml": "name: db\nversion: 1.0.0\n",
                "charts/db/templates/x.yaml": "{{ .Values.size }}{{ .Values.global.zone }}",
                "charts/db/charts/disk/Chart.yaml": "name: disk\nversion: 1.0.0\n",
                "charts/db/charts/disk/templates/x.yaml": "{{ .Values.kind }}",
            }
        )
    )
    assert found.pointers == {
        "/main/size", "/db/size", "/global/zone", "/main/disk/kind", "/db/disk/kind", "/main/on",
    }  # fmt: skip


def test_values_that_are_filled_as_templates_read_too() -> None:
    found = reads(
        files(**{"templates/x.yaml": "{{ tpl .Values.text . }}", "values.yaml": "text: '{{ .Values.name }}'\n"})
    )
    assert found.pointers == {"/text", "/name"}


def test_functions_of_chance_are_named_with_their_files() -> None:
    assert reads(template("{{ randAlphaNum 8 }}{{ .Values.now }}")).chance == ("templates/x.yaml: randAlphaNum",)


def test_defaults_of_subcharts_lie_below_their_names_and_the_parent_wins() -> None:
    found = defaults(
        files(
            **{
                "values.yaml": "a: 1\ndb: {size: 5, gone: null}\n",
                "charts/db/Chart.yaml": "name: db\nversion: 1.0.0\n",
                "charts/db/values.yaml": "size: 1\nkeep: yes\ngone: x\n",
            }
        )
    )
    assert found == {"a": 1, "db": {"size": 5, "keep": True}}


def test_a_chart_without_values_has_none() -> None:
    assert defaults(files()) == {}
