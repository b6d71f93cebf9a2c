"""The charts of the examples, made here and served by a real repository and a real registry."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.plugins.charts import chart_server, chart_yaml, packaged
from tests.plugins.charts import registry as running_registry

_MYSQL = """\
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ .Release.Name }}
  namespace: {{ .Release.Namespace }}
  labels:
    helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
    {{- with .Values.commonLabels }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  serviceName: {{ .Release.Name }}
  selector: {matchLabels: {app: mysql}}
  template:
    metadata: {labels: {app: mysql}}
    spec:
      containers:
        - name: mysql
          image: {{ .Values.image.repository }}:{{ .Values.image.tag }}
          env: [{name: DATABASE, value: {{ .Values.auth.database | quote }}}]
{{- if .Values.primary.persistence.enabled }}
  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce]}}]
{{- end }}
"""
_WORKER = """\
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: {{ .Release.Name }}-worker}
spec:
  selector: {matchLabels: {app: nfd}}
  template:
    metadata: {labels: {app: nfd}}
    spec: {containers: [{name: worker, image: "nfd:{{ .Values.image.tag }}"}]}
"""


def _mysql(version: str) -> dict[str, str]:
    values = "image: {repository: mysql, tag: 8.0.31}\nauth: {database: my_database}\n"
    return {
        "Chart.yaml": chart_yaml("mysql", version),
        "values.yaml": values + "commonLabels: {}\nprimary: {persistence: {enabled: true}}\n",
        "templates/statefulset.yaml": _MYSQL,
    }


_NFD = {
    "Chart.yaml": chart_yaml("node-feature-discovery", "0.12.1"),
    "values.yaml": "image: {tag: v0.12.1}\n",
    "templates/worker.yaml": _WORKER,
}


@pytest.fixture(scope="module")
def charts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What to write instead of the address of the examples' chart repository."""
    scratch = tmp_path_factory.mktemp("charts")
    made = [_mysql("9.1.0"), _mysql("9.1.8"), _mysql("9.2.0"), _NFD]
    with chart_server(scratch / "served") as server:
        server.add(*(packaged(files, scratch / "made", scratch / "archives") for files in made))
        yield {"https://charts.example.org/stable": server.url}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What to write instead of the address of the examples' registry."""
    scratch = tmp_path_factory.mktemp("registry")
    with running_registry(scratch / "served") as server:
        server.push(packaged(_mysql("9.2.0"), scratch / "made", scratch / "archives"))
        yield {"repo: oci://registry.example.org/helm-charts": f"repo: {server.url}\n  plainHTTP: true"}
