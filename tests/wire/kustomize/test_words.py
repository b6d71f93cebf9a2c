"""What kustomize refuses is told in words that help and quote nothing; what it must not reach, it does not reach."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from reconciler.adapters.tools import kustomize
from reconciler.model.inflation import Fault
from tests.plugins.fleet import tool

pytestmark = pytest.mark.needs_tool("kubectl")
CANARY = "canary-of-a-value"
MAP = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\ndata: {{a: {CANARY}}}\n"


def built(files: Mapping[str, str], directory: str = "web", **environment: str) -> bytes | Fault:
    path = os.pathsep.join((str(tool("kubectl").parent), os.environ["PATH"]))
    contents = {name: text.encode() for name, text in files.items()}
    return asyncio.run(kustomize.build(directory, contents, {"PATH": path, **environment}))


def refused(files: Mapping[str, str]) -> str:
    answer = built(files)
    assert isinstance(answer, Fault)
    assert answer.rule == "kustomization-failed"
    assert CANARY not in answer.message + answer.hint
    assert "/tmp" not in answer.message
    return answer.message


WORDS = {
    "unknown field": ("namePrefx: a\n", {}, 'unknown field "namePrefx"'),
    "wrong type": ("resources: {a: b}\n", {}, "`resources` has the wrong type (object)"),
    "broken resource": ("resources: [a.yaml]\n", {"a.yaml": f"a: {{{CANARY}\nb: c"}, "'a.yaml' is not YAML"),
    "key twice": ("resources: [a.yaml]\n", {"a.yaml": MAP + "data: {}\n"}, "stands twice"),
    "no name": ("resources: [a.yaml]\n", {"a.yaml": MAP.replace("name: x", "")}, "no metadata.name"),
    "no object": ("resources: [a.yaml]\n", {"a.yaml": f"a: {CANARY}\n"}, "what is no object"),
    "same object twice": ("resources: [a.yaml, b.yaml]\n", {"a.yaml": MAP, "b.yaml": MAP}, "is there twice"),
    "literal": (f"configMapGenerator: [{{name: a, literals: [{CANARY}]}}]\n", {}, "is not key=value"),
    "same key twice": (f"configMapGenerator: [{{name: a, literals: [a={CANARY}, a=b]}}]\n", {}, "same key twice"),
    "patch for nobody": (
        f"resources: [a.yaml]\npatches: [{{patch: '{{apiVersion: v1, kind: ConfigMap, metadata: {{name: zz}}, "
        f"data: {{a: {CANARY}}}}}'}}]\n",
        {"a.yaml": MAP},
        "the patch of ConfigMap.v1.[noGrp]/zz.[noNs]",
    ),
    "patch that is none": (
        f"resources: [a.yaml]\npatches: [{{target: {{kind: ConfigMap}}, patch: {CANARY}}}]\n",
        {"a.yaml": MAP},
        "neither an object nor a JSON patch",
    ),
    "replacement source": (
        "resources: [a.yaml]\nreplacements: [{source: {kind: Secret, name: nope}, "
        "targets: [{select: {kind: ConfigMap}, fieldPaths: [data.b]}]}]\n",
        {"a.yaml": MAP},
        "source of a replacement",
    ),
    "replacement without targets": (
        "resources: [a.yaml]\nreplacements: [{source: {kind: ConfigMap}, targets: []}]\n",
        {"a.yaml": MAP},
        "a source and a target",
    ),
    "replacement target": (
        "resources: [a.yaml]\nreplacements: [{source: {kind: ConfigMap, fieldPath: data.a}, "
        "targets: [{select: {kind: ConfigMap}, fieldPaths: [data.b.c]}]}]\n",
        {"a.yaml": MAP},
        "",
    ),
    "replicas": ("resources: [a.yaml]\nreplicas: [{name: nope, count: 1}]\n", {"a.yaml": MAP}, "`replicas` names nope"),
    "component": (
        "components: [../base]\n",
        {"../base/kustomization.yaml": "namePrefix: a\n"},
        "not of kind Component",
    ),
    "kind": ("kind: Shop\nresources: []\n", {}, "`kind` must be Kustomization"),
    "helm": (f"helmCharts: [{{name: {CANARY}}}]\n", {}, "run helm"),
    "two files": ("resources: []\n", {"kustomization.yml": "resources: []\n"}, "two kustomization files"),
    "itself": ("resources: [.]\n", {}, "in a circle"),
    "unlisted reason": (f"resources: [a.yaml]\nnamePrefix: {{a: {CANARY}}}\n", {"a.yaml": MAP}, ""),
}


@pytest.mark.parametrize(("text", "files", "words"), WORDS.values(), ids=WORDS)
def test_refusal_is_told_without_values(text: str, files: Mapping[str, str], words: str) -> None:
    beside = {f"web/{name}".replace("web/../", ""): content for name, content in files.items()}
    assert words in refused({"web/kustomization.yaml": text, **beside})


REACHES = {
    "file outside of its directory": "configMapGenerator: [{name: a, files: [../outside.txt]}]\n",
    "file of the machine": "configMapGenerator: [{name: a, files: [/etc/hostname]}]\n",
    "file by a generator's own file": "generators: [g.yaml]\n",
    "program": "transformers: [program.yaml]\n",
    "container": "transformers: [container.yaml]\n",
    "helm by a generator's own file": "generators: [helm.yaml]\n",
}
TOOLS = {
    "g.yaml": "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: a}\nfiles: [../../../../etc/hostname]\n",
    "program.yaml": "apiVersion: example.org/v1\nkind: Run\nmetadata:\n  name: a\n  annotations:\n"
    "    config.kubernetes.io/function: |\n      exec: {path: ./run.sh}\n",
    "container.yaml": "apiVersion: example.org/v1\nkind: Run\nmetadata:\n  name: a\n  annotations:\n"
    "    config.kubernetes.io/function: |\n      container: {image: example.org/run}\n",
    "helm.yaml": "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: a}\nname: a\n",
    "run.sh": "#!/bin/sh\ntouch ran\n",
}


@pytest.mark.parametrize("text", REACHES.values(), ids=REACHES)
def test_kustomize_reaches_nothing_but_its_files(text: str) -> None:
    files = {f"web/{name}": content for name, content in TOOLS.items()}
    refused({"web/kustomization.yaml": text, **files, "outside.txt": CANARY})


def test_environment_of_the_run_is_not_seen(tmp_path: Path) -> None:
    program = tmp_path / "kustomize"
    program.write_text("#!/bin/sh\n/usr/bin/env\n")
    program.chmod(0o755)
    said = built({"web/kustomization.yaml": ""}, RECONCILER_KUSTOMIZE=str(program), TOKEN=CANARY, HOME=str(tmp_path))
    assert isinstance(said, bytes)
    assert CANARY.encode() not in said
    assert f"HOME={tmp_path}\n".encode() not in said


@pytest.mark.parametrize(
    ("script", "words"), [("exec sleep 30", "did not end"), ("exec yes", "wrote more than")], ids=["time", "size"]
)
def test_build_is_bounded(tmp_path: Path, script: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kustomize, "DEADLINE", 1.0)
    monkeypatch.setattr(kustomize, "LIMIT", 1 << 20)
    program = tmp_path / "kustomize"
    program.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
    program.chmod(0o755)
    answer = built({"web/kustomization.yaml": ""}, RECONCILER_KUSTOMIZE=str(program))
    assert isinstance(answer, Fault)
    assert words in answer.message


def test_missing_program_is_told_with_how_to_get_it(tmp_path: Path) -> None:
    nowhere = {"PATH": str(tmp_path), "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    answer = asyncio.run(kustomize.build("web", {"web/kustomization.yaml": b""}, nowhere))
    assert isinstance(answer, Fault)
    assert "kubectl is not installed" in answer.message
    assert "install kubectl" in answer.hint
