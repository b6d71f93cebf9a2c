"""Our merge of Helm values against helm's: `-f` twice, and `--values` of what we merged, give the same `.Values`.

Clusternet and helm part in one thing: a null over a value that is there removes it from what Clusternet hands to helm,
so that the chart's default comes back, while `helm -f -f` keeps the null. The chart here has no defaults, and nulls
are left out of the comparison.
"""

import json
import random
import subprocess

import pytest

from reconciler.render.pointer import same
from reconciler.render.values import merged
from tests.plugins.fleet import tool

pytestmark = pytest.mark.needs_tool("helm")

SEED = 20261123
CHART = "apiVersion: v2\nname: told\nversion: 1.0.0\n"
TEMPLATE = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: told}\ndata:\n  values: {{ .Values | toJson | quote }}\n"


@pytest.fixture(scope="module")
def chart(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chart") / "told"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(CHART)
    (folder / "templates" / "map.yaml").write_text(TEMPLATE)
    return folder


def helm(chart, folder, *values):
    """`.Values` of the chart under these files of values."""
    files = []
    for number, value in enumerate(values):
        file = folder / f"{number}.json"
        file.write_text(json.dumps(value))
        files += ["-f", str(file)]
    command = [str(tool("helm")), "template", "x", str(chart), *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("  values: ")]
    return json.loads(json.loads(line.removeprefix("  values: ")))


def without_nulls(value):
    if isinstance(value, dict):
        return {key: without_nulls(member) for key, member in value.items() if member is not None}
    return value


def values(dice, depth=3):
    made = {}
    for key in dice.sample("abcd", dice.randrange(1, 4)):
        sort = dice.randrange(6 if depth else 4)
        made[key] = [None, dice.randrange(9), "text", [1, {"x": None}]][sort] if sort < 4 else values(dice, depth - 1)
    return made


@pytest.mark.parametrize("number", range(12))
def test_merge_agrees_with_helm_on_random_values(chart, tmp_path, number):
    dice = random.Random(SEED + number)
    first, second = values(dice), values(dice)
    ours = merged(first, second).value
    theirs = helm(chart, tmp_path, first, second)
    assert same(without_nulls(theirs), without_nulls(ours)), f"{first} {second}"
    assert same(without_nulls(helm(chart, tmp_path, ours)), without_nulls(ours))


def test_null_of_what_no_override_set_drops_the_default_of_the_chart(chart, tmp_path):
    (chart / "values.yaml").write_text("a: 1\nb: 2\n")
    try:
        assert helm(chart, tmp_path, merged({"b": 3}, {"a": None}).value) == {"b": 3}
        assert helm(chart, tmp_path, merged({"a": 5}, {"a": None}).value) == {"a": 1, "b": 2}
    finally:
        (chart / "values.yaml").unlink()
