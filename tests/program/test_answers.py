"""`render` and `explain` over charts and kustomizations, with the real helm and kubectl."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.plugins.fleet import tool
from tests.program.fleetrepo import RECONCILER

BASE = Path(__file__).parents[1] / "golden" / "broken" / "base"
CANARY = "canary-4711"
CHART = {
    "charts/app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.2.3\n",
    "charts/app/values.yaml": "image:\n  tag: '1.27'\nreplicas: 1\npassword: none\n",
    "charts/app/templates/app.yaml": """
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}"}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec: {containers: [{name: app, image: "nginx:{{ .Values.image.tag }}"}]}
---
apiVersion: v1
kind: Secret
metadata: {name: "{{ .Release.Name }}"}
stringData: {password: "{{ .Values.password }}"}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {helm.sh/hook: pre-install}}
spec: {template: {spec: {containers: [{name: a, image: b}], restartPolicy: Never}}}
""",
    "shop.yaml": f"""
apiVersion: apps.clusternet.io/v1alpha1
kind: HelmChart
metadata: {{name: shop, namespace: fleet}}
spec: {{repo: charts, chart: app, version: 1.2.3, targetNamespace: shop}}
---
apiVersion: apps.clusternet.io/v1alpha1
kind: Subscription
metadata: {{name: shop, namespace: fleet}}
spec:
  subscribers: [{{clusterAffinity: {{}}}}]
  feeds:
    - {{apiVersion: apps.clusternet.io/v1alpha1, kind: HelmChart, namespace: fleet, name: shop}}
    - {{apiVersion: kustomize.config.k8s.io/v1beta1, kind: Kustomization, name: kust}}
---
apiVersion: apps.clusternet.io/v1alpha1
kind: Globalization
metadata: {{name: shop}}
spec:
  feed: {{apiVersion: apps.clusternet.io/v1alpha1, kind: HelmChart, namespace: fleet, name: shop}}
  overrides:
    - name: tag
      type: Helm
      value: |
        image:
          tag: "1.28"
        password: {CANARY}
---
apiVersion: apps.clusternet.io/v1alpha1
kind: Localization
metadata: {{name: shop, namespace: clusternet-east}}
spec:
  feed: {{apiVersion: apps.clusternet.io/v1alpha1, kind: HelmChart, namespace: fleet, name: shop}}
  overrides:
    - {{type: Helm, value: "replicas: 5"}}
""",
    "apps/site.yaml.j2": """
apiVersion: v1
kind: ConfigMap
metadata: {name: site, namespace: web}
data:
  host: "{{ cluster.name }}.example.org"
""",
    "site.yaml": """
apiVersion: apps.clusternet.io/v1alpha1
kind: Subscription
metadata: {name: site, namespace: fleet}
spec:
  subscribers: [{clusterAffinity: {}}]
  feeds:
    - {apiVersion: v1, kind: ConfigMap, namespace: web, name: site}
---
apiVersion: apps.clusternet.io/v1alpha1
kind: Globalization
metadata: {name: site, annotations: {reconciler.clusternet.io/template: jinja2}}
spec:
  feed: {apiVersion: v1, kind: ConfigMap, namespace: web, name: site}
  overrides:
    - {name: tier, type: MergePatch, value: "data: {tier: '{{ cluster.labels.env }}'}"}
""",
    "kust/kustomization.yaml": "resources: [cm.yaml]\nnamePrefix: k-\n",
    "kust/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm, namespace: web}\ndata: {a: b}\n",
}

pytestmark = [pytest.mark.needs_tool("helm"), pytest.mark.needs_tool("kubectl")]


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repo = tmp_path_factory.mktemp("answers") / "repo"
    for source in BASE.rglob("*"):
        if source.is_file():
            target = repo / source.relative_to(BASE)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    for path, text in CHART.items():
        (repo / path).parent.mkdir(parents=True, exist_ok=True)
        (repo / path).write_text(text)
    return repo


def run(repo: Path, *words: str) -> str:
    tools = os.pathsep.join(str(tool(name).parent) for name in ("helm", "kubectl"))
    env = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "RECONCILER_CACHE": str(repo.parent / "cache")}
    done = subprocess.run([str(RECONCILER), *words], cwd=repo, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def answer(repo: Path, *words: str) -> Any:
    return json.loads(run(repo, "explain", *words, "-o", "json"))


def test_field_of_a_chart_names_chart_file_and_every_layer_of_values(repo: Path) -> None:
    found = answer(repo, "east", "deploy/shop", "spec.replicas")
    (made,) = found["steps"]
    assert (made["sort"], made["note"]) == ("chart", "app/templates/app.yaml")
    assert made["title"] == "chart app 1.2.3 of charts"
    defaults, general, local = found["values"]
    assert (defaults["file"], defaults["title"]) == ("charts/app/values.yaml", "defaults of the chart")
    assert {"field": "/replicas", "after": 1} in defaults["changes"]
    assert {"field": "/image/tag", "before": "1.27", "after": "1.28"} in general["changes"]
    assert local["changes"] == [{"field": "/replicas", "before": 1, "after": 5}]
    assert set(found["reads"]) == {"/image/tag", "/password", "/replicas"}


def test_object_of_a_kustomization_names_its_directory(repo: Path) -> None:
    (made,) = answer(repo, "east", "cm/k-cm", "data.a")["steps"]
    assert (made["sort"], made["title"]) == ("kustomization", "kustomization kust")


def test_object_of_a_template_names_its_line_and_the_variables_that_it_looked_at(repo: Path) -> None:
    found = answer(repo, "east", "cm/site", "data.host")
    (made,) = found["steps"]
    assert (made["sort"], made["file"], made["line"]) == ("template", "apps/site.yaml.j2", 6)
    assert found["value"] == "east.example.org"
    assert found["reads"] == ["cluster.name"]
    (override,) = answer(repo, "east", "cm/site", "data.tier")["steps"]
    assert (override["sort"], override["changes"]) == ("override", [{"field": "/data/tier", "after": "prod"}])


def test_namespace_that_is_made_for_a_chart_says_so(repo: Path) -> None:
    (made,) = answer(repo, "east", "ns/shop")["steps"]
    assert "createNamespace" in made["title"]


def test_hooks_are_shown_when_asked_and_labelled(repo: Path) -> None:
    assert "migrate" not in run(repo, "render", "--cluster", "east")
    assert "\n# east: fleet/shop (hook of a chart, run on clusters only)\n" in run(
        repo, "render", "--cluster", "east", "--hooks"
    )
    names = run(repo, "render", "--cluster", "east", "-o", "name", "--hooks").splitlines()
    assert "east  fleet/shop  Job.batch shop/migrate  hook" in names


@pytest.mark.parametrize(
    "words",
    [
        ("render", "--hooks"),
        ("render", "-o", "json", "--hooks"),
        ("render", "-o", "clusternet"),
        ("explain", "east", "secret/shop"),
        ("explain", "east", "deploy/shop", "-o", "json"),
    ],
    ids=" ".join,
)
def test_value_that_ends_in_a_secret_of_the_chart_is_told_nowhere(repo: Path, words: tuple[str, ...]) -> None:
    told = run(repo, *words)
    encoded = [text for line in told.splitlines() for text in [line.strip().strip('-" ')] if len(text) > 40]
    assert CANARY not in told
    for text in encoded:
        try:
            assert CANARY.encode() not in base64.b64decode(text, validate=True)
        except ValueError:
            continue


def test_graph_holds_the_release_with_values_and_options_of_its_cluster(repo: Path) -> None:
    objects = list(
        yaml.safe_load_all(run(repo, "render", "-o", "clusternet", "--cluster", "east", "--subscription", "shop"))
    )
    by_kind = {obj["kind"]: obj for obj in objects}
    description = next(o for o in objects if o["kind"] == "Description" and o["spec"]["deployer"] == "Helm")
    release = by_kind["HelmRelease"]
    assert description["spec"]["charts"] == [{"namespace": "fleet", "name": "shop"}]
    assert release["metadata"]["name"] == description["metadata"]["name"] + "-fleet-shop"
    assert (release["spec"]["releaseName"], release["spec"]["targetNamespace"]) == ("shop", "shop")
    values = json.loads(base64.b64decode(release["spec"]["overrides"]))
    assert (values["replicas"], values["image"]) == (5, {"tag": "1.28"})
    assert release["metadata"]["labels"]["apps.clusternet.io/config.name"] == description["metadata"]["name"]
    assert by_kind["HelmChart"]["metadata"]["labels"]["apps.clusternet.io/config.kind"] == "HelmChart"
