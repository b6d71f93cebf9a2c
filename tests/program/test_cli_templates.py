"""Templates and found feeds through the whole program: delivered into a directory, and what becomes of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.program.fleetrepo import FleetRepo
from tests.program.manifests import clusters, settings

TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: shop, namespace: shop}
data:
  cluster: {{ cluster.name | quote }}
  port: {{ values.port | quote }}
{% for name, host in values.hosts | dictsort %}
  {{ name }}: {{ host }}
{% endfor %}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: same, namespace: shop}
data: {{ values.hosts | to_yaml | nindent(2) }}
"""
PLAIN = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain, namespace: shop, labels: {tier: more}}\n"
EVIL = (
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: evil, namespace: shop}\ndata:\n"
    "  a: {{ 'x' * 100 * 2**20 }}{{ ''.__class__.__mro__ }}\n"
)


def subscription(name: str, path: str, selector: str = "") -> dict[str, object]:
    notes = {"reconciler.clusternet.io/feeds-from": path}
    if selector:
        notes["reconciler.clusternet.io/feeds-selector"] = selector
    return {
        "apiVersion": "apps.clusternet.io/v1alpha1",
        "kind": "Subscription",
        "metadata": {"name": name, "namespace": "fleet", "annotations": notes},
        "spec": {"subscribers": [{"clusterAffinity": {}}], "feeds": []},
    }


@pytest.fixture
def shop(repo: FleetRepo) -> FleetRepo:
    """A fleet of two clusters with templates, values files and found feeds."""
    repo.commit(
        {
            "fleet.yaml": settings("shop", templates={"values": ["values/all.yaml", "values/{labels.cluster}.yaml"]}),
            "clusters.yaml": clusters("shop", ["east", "west"]),
            "values/all.yaml": "port: 80\nhosts: {a: one, b: two}\n",
            "values/west.yaml": "port: 8080\n",
            "shop/shop.yaml.j2": TEMPLATE,
            "plain.yaml": PLAIN,
            "other/other.yaml": PLAIN.replace("plain", "other").replace(", labels: {tier: more}", ""),
            "subscriptions.yaml": [subscription("shop", "shop", "tier=more"), subscription("other", "other")],
        }
    )
    return repo


def rendered(repo: FleetRepo) -> dict[str, dict[str, object]]:
    """`cluster/name` to the data of each delivered ConfigMap."""
    top = repo.run_in / "rendered"
    files = [path for path in top.rglob("*.yaml") if ".reconciler" not in path.parts]
    bodies = {path: yaml.safe_load(path.read_text()) for path in files}
    return {f"{path.relative_to(top).parts[0]}/{b['metadata']['name']}": b.get("data") for path, b in bodies.items()}


def test_templates_and_found_feeds_are_delivered(shop: FleetRepo) -> None:
    shop.sync()
    found = rendered(shop)
    assert sorted(found) == [f"{c}/{name}" for c in ("east", "west") for name in ("other", "plain", "same", "shop")]
    assert found["east/shop"] == {"cluster": "east", "port": "80", "a": "one", "b": "two"}
    assert found["west/shop"] == {"cluster": "west", "port": "8080", "a": "one", "b": "two"}
    assert found["east/same"] == found["west/same"] == {"a": "one", "b": "two"}


@pytest.mark.parametrize(
    ("path", "content", "rule"),
    [
        ("shop/broken.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x\n", "yaml-syntax"),
        ("shop/shop.yaml.j2", TEMPLATE.replace("values.port", "values.prot"), "template-undefined"),
        ("shop/shop.yaml.j2", TEMPLATE.replace("name: same", "name: '{{ cluster.name }}'"), "template-identity"),
        ("shop/shop.yaml.j2", TEMPLATE.replace("{% endfor %}", ""), "template-syntax"),
        ("shop/shop.yaml.j2", TEMPLATE.replace("nindent(2)", "nindent(1)").replace("data: {{", "{{"), "template-yaml"),
        ("shop/evil.yaml.j2", EVIL, "template-limit"),
        ("values/all.yaml", "port: [\n", "yaml-syntax"),
        ("plain.yaml", PLAIN.replace("tier", "{tier"), "yaml-syntax"),
        ("subscriptions.yaml", [subscription("shop", "shp"), subscription("other", "other")], "feeds-from-nothing"),
    ],
)
def test_mistake_holds_its_subscription_and_deletes_nothing(
    shop: FleetRepo, path: str, content: object, rule: str
) -> None:
    shop.sync()
    before = rendered(shop)
    changed = PLAIN.replace("plain", "other").replace(", labels: {tier: more}", "") + "data: {new: value}\n"
    shop.commit({path: content, "other/other.yaml": changed})
    done = shop.sync(expect=3)
    assert rule in done.stdout + done.stderr
    after = rendered(shop)
    assert {name: data for name, data in after.items() if "other" not in name} == {
        name: data for name, data in before.items() if "other" not in name
    }
    assert after["east/other"] == {"new": "value"}


def test_object_that_leaves_the_directory_is_removed(shop: FleetRepo) -> None:
    shop.sync()
    shop.commit({"shop/shop.yaml.j2": TEMPLATE.split("---\n")[0]})
    shop.sync()
    assert "east/same" not in rendered(shop)


def test_same_bytes_with_any_hash_seed(shop: FleetRepo) -> None:
    told = set()
    for seed in ("0", "1", "12345"):
        shop.env["PYTHONHASHSEED"] = seed
        told.add(shop.run("render").stdout)
    assert len(told) == 1
    assert "cluster: east" in told.pop()


def test_nothing_of_the_environment_or_the_disk_is_seen(shop: FleetRepo, tmp_path: Path) -> None:
    shop.env["SECRET_OF_THE_RUN"] = "c4n4ry"
    tries = ["{% include '/proc/self/environ' %}", "{{ cycler.__init__.__globals__.os.environ }}", "{{ environ }}"]
    for text in tries:
        shop.commit({"shop/tries.yaml.j2": EVIL.split("  a:")[0] + f"  a: b\n{text}\n"})
        done = shop.run("render")
        assert done.code == 3
        assert "c4n4ry" not in done.stdout + done.stderr
