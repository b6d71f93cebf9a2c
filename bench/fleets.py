"""Fleet repos of any size, made of nothing but numbers: the same arguments give the same bytes.

A repo of `clusters` ManagedClusters, `feeds` objects (Deployments, Services and ConfigMaps) spread over `subscriptions`
Subscriptions that go to every cluster, and `overrides`: four Globalizations by region or environment for each
Localization of one cluster.
"""

import uuid
from collections.abc import Iterator

_REGIONS, _ENVIRONMENTS = 10, ("dev", "staging", "prod")
_NAMES = uuid.UUID("5e0c2f5a-9d2b-4f6c-8a53-1d5f0a3f9b10")


def synthetic(
    clusters: int = 1000,
    feeds: int = 100,
    subscriptions: int = 20,
    overrides: int = 50,
    *,
    localized: bool = False,
) -> dict[str, bytes]:
    """Files of a fleet repo by path, `fleet.yaml` included. `localized` gives every cluster one Localization more."""
    files = {"fleet.yaml": "fleet: bench\ndelivery:\n  to: directory\n"}
    files.update((f"clusters/{_cluster_name(n)}.yaml", _cluster(n)) for n in range(clusters))
    files.update((f"apps/app-{n % subscriptions:03d}/feed-{n:04d}.yaml", _object(n)) for n in range(feeds))
    for number in range(subscriptions):
        members = range(number, feeds, subscriptions)
        files[f"apps/app-{number:03d}/subscription.yaml"] = _subscription(number, members)
    files.update((f"overrides/override-{n:04d}.yaml", _override(n, clusters, feeds)) for n in range(overrides))
    if localized:
        files.update((f"local/{_cluster_name(n)}.yaml", _localization(n, feeds)) for n in range(clusters))
    return {path: text.encode() for path, text in sorted(files.items())}


def _cluster_name(number: int) -> str:
    return f"edge-{number:05d}"


def _cluster(number: int) -> str:
    name, environment = _cluster_name(number), _ENVIRONMENTS[number % len(_ENVIRONMENTS)]
    return f"""apiVersion: clusters.clusternet.io/v1beta1
kind: ManagedCluster
metadata:
  name: {name}
  namespace: clusternet-{name}
  labels:
    clusters.clusternet.io/cluster-name: {name}
    region: region-{number % _REGIONS}
    environment: {environment}
spec:
  clusterId: {uuid.uuid5(_NAMES, name)}
  syncMode: Push
"""


def _reference(number: int) -> dict[str, str]:
    version, kind = (("apps/v1", "Deployment"), ("v1", "Service"), ("v1", "ConfigMap"))[number % 3]
    return {"apiVersion": version, "kind": kind, "namespace": "shop", "name": f"feed-{number:04d}"}


def _indented(reference: dict[str, str], start: str) -> Iterator[str]:
    for position, (key, value) in enumerate(reference.items()):
        yield f"{start if position == 0 else ' ' * len(start)}{key}: {value}\n"


def _object(number: int) -> str:
    of = _reference(number)
    head = f"apiVersion: {of['apiVersion']}\nkind: {of['kind']}\nmetadata:\n  name: {of['name']}\n  namespace: shop\n"
    head += f"  labels:\n    app.kubernetes.io/name: {of['name']}\n    app.kubernetes.io/part-of: shop\n"
    if of["kind"] == "ConfigMap":
        return head + "data:\n" + "".join(f"  key-{n}: value {number} {n}\n" for n in range(20))
    if of["kind"] == "Service":
        return head + f"spec:\n  selector:\n    app: {of['name']}\n  ports:\n  - name: http\n    port: 80\n"
    return f"""{head}spec:
  replicas: 3
  selector:
    matchLabels:
      app: {of["name"]}
  template:
    metadata:
      labels:
        app: {of["name"]}
    spec:
      containers:
      - name: main
        image: registry.example/shop:{number}
        args: [--listen, ":8080"]
        env:
        - name: NUMBER
          value: "{number}"
        ports:
        - containerPort: 8080
        resources:
          requests: {{cpu: 100m, memory: 64Mi}}
          limits: {{memory: 128Mi}}
        readinessProbe:
          httpGet: {{path: /ready, port: 8080}}
"""


def _subscription(number: int, members: range) -> str:
    feeds = "".join("".join(_indented(_reference(member), "  - ")) for member in members)
    return f"""apiVersion: apps.clusternet.io/v1alpha1
kind: Subscription
metadata:
  name: app-{number:03d}
  namespace: default
spec:
  subscribers:
  - clusterAffinity:
      matchExpressions:
      - key: region
        operator: Exists
  feeds:
{feeds}"""


def _override(number: int, clusters: int, feeds: int) -> str:
    feed = "".join(_indented(_reference(number % feeds), "    "))
    value = '{"metadata":{"annotations":{"shop.example/override":"' + str(number) + '"}}}'
    change = f"""  feed:
{feed}  overrides:
  - name: annotate
    type: MergePatch
    value: '{value}'
  - name: label
    type: JSONPatch
    value: |
      - op: add
        path: /metadata/labels/override
        value: "{number}"
"""
    if number % 5 == 4:
        name = _cluster_name(number % clusters)
        metadata = f"metadata:\n  name: override-{number:04d}\n  namespace: clusternet-{name}\n"
        return f"apiVersion: apps.clusternet.io/v1alpha1\nkind: Localization\n{metadata}spec:\n{change}"
    label = ("region", f"region-{number % _REGIONS}") if number % 2 else ("environment", _ENVIRONMENTS[number % 3])
    affinity = f"  clusterAffinity:\n    matchLabels:\n      {label[0]}: {label[1]}\n"
    metadata = f"metadata:\n  name: override-{number:04d}\n"
    return f"apiVersion: apps.clusternet.io/v1alpha1\nkind: Globalization\n{metadata}spec:\n{affinity}{change}"


def _localization(number: int, feeds: int) -> str:
    name = _cluster_name(number)
    feed = "".join(_indented(_reference(number % feeds), "    "))
    return f"""apiVersion: apps.clusternet.io/v1alpha1
kind: Localization
metadata:
  name: own
  namespace: clusternet-{name}
spec:
  feed:
{feed}  overrides:
  - name: own
    type: MergePatch
    value: '{{"metadata":{{"annotations":{{"shop.example/cluster":"{name}"}}}}}}'
"""


def charted(clusters: int = 500) -> dict[str, bytes]:
    """A chart that goes to every cluster, with other values in each of the three environments."""
    reference = "{apiVersion: apps.clusternet.io/v1alpha1, kind: HelmChart, name: shop, namespace: default}"
    files = {
        "fleet.yaml": "fleet: bench\n",
        "charts/shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
        "charts/shop/values.yaml": "replicas: 1\n",
        "charts/shop/templates/web.yaml": "{{- range $i := until (int .Values.replicas) }}\n---\napiVersion: v1\n"
        "kind: ConfigMap\nmetadata:\n  name: web-{{ $i }}\n{{- end }}\n",
        "shop.yaml": "apiVersion: apps.clusternet.io/v1alpha1\nkind: HelmChart\nmetadata:\n  name: shop\n"
        "  namespace: default\nspec:\n  repo: ./charts\n  chart: shop\n  targetNamespace: shop\n",
        "subscription.yaml": "apiVersion: apps.clusternet.io/v1alpha1\nkind: Subscription\nmetadata:\n  name: shop\n"
        f"  namespace: default\nspec:\n  subscribers:\n  - clusterAffinity: {{}}\n  feeds:\n  - {reference}\n",
    }
    files.update((f"clusters/{_cluster_name(n)}.yaml", _cluster(n)) for n in range(clusters))
    for replicas, environment in enumerate(_ENVIRONMENTS, 2):
        files[f"values/{environment}.yaml"] = f"""apiVersion: apps.clusternet.io/v1alpha1
kind: Globalization
metadata:
  name: shop-{environment}
spec:
  clusterAffinity:
    matchLabels:
      environment: {environment}
  feed: {reference}
  overrides:
  - name: replicas
    type: Helm
    value: 'replicas: {replicas}'
"""
    return {path: text.encode() for path, text in sorted(files.items())}
