"""Kustomizations of different shapes, as files by path; `east` and `west` are the directories that feeds name."""

from __future__ import annotations

from collections.abc import Mapping

Files = Mapping[str, str]

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: 1
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: nginx:1.27
          envFrom:
            - configMapRef: {name: settings}
      volumes:
        - name: token
          secret: {secretName: token}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80}]
"""
BASE = {
    "apps/base/kustomization.yaml": "resources: [deployment.yaml, service.yaml]\n",
    "apps/base/deployment.yaml": DEPLOYMENT,
    "apps/base/service.yaml": SERVICE,
}


def overlays(east: str, west: str, **more: str) -> Files:
    """Two overlays of the base."""
    files = {f"apps/{path.replace('__', '/')}": text for path, text in more.items()}
    return {**BASE, "apps/east/kustomization.yaml": east, "apps/west/kustomization.yaml": west, **files}


SHAPES: Mapping[str, Files] = {
    "overlays": overlays(
        "resources: [../base]\nnamespace: east\nimages: [{name: nginx, newTag: '1.28'}]\n",
        "resources: [../base]\nnamespace: west\nreplicas: [{name: web, count: 5}]\n",
    ),
    "prefixes": overlays(
        "resources: [../base]\nnamePrefix: east-\nlabels: [{pairs: {region: east}, includeSelectors: true}]\n",
        "bases: [../base]\nnameSuffix: -west\ncommonAnnotations: {region: west}\n",
    ),
    "patches": {
        **overlays(
            "resources: [../base]\npatches: [{path: cpu.yaml}]\n",
            'resources: [../base]\npatches:\n  - target: {kind: Deployment}\n    patch: \'[{"op": "remove", '
            '"path": "/spec/template/spec/volumes"}]\'\n',
        ),
        "apps/east/cpu.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n"
        "    spec:\n      containers: [{name: web, resources: {requests: {cpu: 500m}}}]\n",
    },
    "generators": {
        **overlays(
            "resources: [../base]\nconfigMapGenerator:\n  - name: settings\n    files: [app.conf, other=deep/b.conf]\n"
            "    envs: [app.env]\n    literals: [a=b]\n",
            "resources: [../base]\nsecretGenerator:\n  - name: token\n    files: [token.txt]\n"
            "generatorOptions: {disableNameSuffixHash: true}\n",
        ),
        "apps/east/app.conf": "level: info\n",
        "apps/east/deep/b.conf": "on: yes\n",
        "apps/east/app.env": "PORT=0080\n",
        "apps/west/token.txt": "secret",
    },
    "components": {
        **overlays(
            "resources: [../base]\ncomponents: [../../shared/tls]\n",
            "resources: [../base]\ncomponents: [../../shared/tls, ../../shared/more]\n",
        ),
        "shared/tls/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
        "resources: [issuer.yaml]\npatches: [{path: tls.yml, target: {kind: Service}}]\n",
        "shared/tls/issuer.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: issuer}\ndata: {ca: 'yes'}\n",
        "shared/tls/tls.yml": "- {op: replace, path: /spec/ports/0/port, value: 443}\n",
        "shared/more/Kustomization": "kind: Component\nnamePrefix: more-\n",
    },
    "replacements": {
        **overlays(
            "resources: [../base]\nreplacements: [{path: r.yaml}]\n",
            "resources: [../base, extra.yaml]\nsortOptions: {order: fifo}\n",
        ),
        "apps/east/r.yaml": "source: {kind: Service, name: web, fieldPath: metadata.name}\n"
        "targets: [{select: {kind: Deployment}, fieldPaths: [spec.template.metadata.labels.app]}]\n",
        "apps/west/extra.yaml": "apiVersion: v1\nkind: List\nitems:\n"
        "  - {apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {n: '012', t: '2020-01-01', y: 'yes'}}\n"
        "  - {apiVersion: v1, kind: Namespace, metadata: {name: b}}\n",
    },
    "transformers": {
        **overlays(
            "resources: [../base]\ntransformers: [region.yaml]\n",
            "resources: [../base]\ngenerators: [map.yaml]\n",
        ),
        "apps/east/region.yaml": "apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: region}\n"
        "labels: {region: east}\nfieldSpecs: [{path: metadata/labels, create: true}]\n",
        "apps/west/map.yaml": "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: made}\n"
        "files: [content.txt]\n",
        "apps/west/content.txt": "named in a file of its own\n",
    },
    "nested": {
        "apps/east/kustomization.yml": "resources: [../base/east, ../base]\n",
        "apps/west/kustomization.yaml": "resources: [deep]\n",
        "apps/west/deep/kustomization.yaml": "resources: [deeper/kustomized]\nnamePrefix: x-\n",
        "apps/west/deep/deeper/kustomized/kustomization.yaml": "resources: [../kustomized/service.yaml]\n",
        "apps/west/deep/deeper/kustomized/service.yaml": SERVICE,
        **BASE,
        "apps/base/east/kustomization.yaml": "resources: [map.yaml]\n",
        "apps/base/east/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: inside}\n",
    },
}
