"""The objects of a registration, as files that people review, and what is read back from them."""

import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.model.errors import UsageError
from reconciler.registry import child, hub, names, observation
from reconciler.registry.rights import EVERYWHERE, Rights, rule

GOLDEN = Path(__file__).parent / "golden"
NOW = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
CLUSTER = hub.Registration(
    name="east",
    id="dc91021d-2361-4f6d-a404-7c33b9e01118",
    namespace="clusternet-east",
    labels={"environment": "prod", "clusters.clusternet.io/cluster-id": "somebody else"},
)
OWNER = {"metadata": {"name": "reconciler-shop:upkeep", "uid": "0a1b"}}
CREDENTIAL = hub.Credential(
    server="https://east.example.com:6443",
    authorities=b"-----BEGIN CERTIFICATE-----\n",
    token="a.b.c",
    account="reconciler-shop",
    account_uid="6d2c",
    issued=NOW,
    expires=NOW + 7 * DAY,
)


def node(ready: str | None, cpu: str, memory: str, gpu: str | None = None) -> dict[str, Any]:
    amounts = {"cpu": cpu, "memory": memory, "pods": "110"} | ({"nvidia.com/gpu": gpu} if gpu else {})
    conditions = [{"type": "MemoryPressure", "status": "False"}]
    conditions += [{"type": "Ready", "status": ready}] if ready else []
    return {"status": {"capacity": amounts, "allocatable": amounts, "conditions": conditions}}


def seen(**changes: Any) -> observation.Observation:
    given: dict[str, Any] = {
        "apiserver_url": "https://east.example.com:6443",
        "version": {"gitVersion": "v1.36.3", "platform": "linux/amd64"},
        "healthz": True,
        "livez": True,
        "readyz": True,
        "nodes": (node("True", "4", "16Gi"), node("False", "1500m", "8000000Ki"), node(None, "2", "1G")),
        "at": NOW,
    }
    return observation.Observation(**given | changes)


def golden(name: str, value: Any) -> None:
    expected = list(yaml.safe_load_all((GOLDEN / name).read_text()))
    assert value == expected, yaml.safe_dump_all(value, sort_keys=False)


def test_objects_in_the_hub() -> None:
    cluster = hub.managed_cluster(CLUSTER) | {"status": observation.status(seen(), "reconciler-v1", {})}
    golden("hub.yaml", [hub.namespace(CLUSTER), cluster, hub.secret(CLUSTER, CREDENTIAL, "shop")])


def test_objects_in_the_child() -> None:
    rights = Rights(
        {EVERYWHERE: (rule([""], ["namespaces"], ["get"]),), "web": (rule(["apps"], ["deployments"], ["get"]),)}
    )
    objects = [
        *child.namespaces("reconciler-system"),
        child.anchor("shop", "reconciler-system"),
        child.account("shop", OWNER),
        *child.upkeep("shop", "reconciler-system", OWNER, charts=False),
        *child.granted("shop", rights, OWNER),
    ]
    golden("child.yaml", objects)


def test_a_named_role_is_bound_as_it_is() -> None:
    (binding,) = child.bound("shop", "cluster-admin", OWNER)
    assert binding["kind"] == "ClusterRoleBinding"
    assert binding["roleRef"]["name"] == "cluster-admin"
    assert binding["metadata"]["name"] == "reconciler-shop"


def test_one_namespace_may_hold_account_and_inventory() -> None:
    assert len(child.namespaces(names.SYSTEM_NAMESPACE)) == 1


def test_users_cannot_give_the_labels_that_identify_a_cluster() -> None:
    labels = hub.managed_cluster(CLUSTER)["metadata"]["labels"]
    assert labels[names.CLUSTER_ID] == CLUSTER.id
    assert labels["environment"] == "prod"


@pytest.mark.parametrize("name", ["", "East", "east.eu", "-east", "a" * 31, "east_1"])
def test_a_name_that_the_wire_cannot_carry_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        names.dedicated_namespace(name)


def test_two_fleets_share_no_name_in_a_child() -> None:
    def made(fleet: str) -> set[tuple[str, str, str]]:
        objects = [
            child.anchor(fleet, "inv"),
            child.account(fleet, OWNER),
            *child.upkeep(fleet, "inv", OWNER, charts=True),
            *child.granted(fleet, Rights({EVERYWHERE: ()}), OWNER),
        ]
        return {(o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]) for o in objects}

    assert not made("prod") & made("prod-token")
    assert not made("prod") & made("prod-inventory")


def test_the_credential_of_the_secret_is_read_back() -> None:
    assert hub.credential_of(hub.secret(CLUSTER, CREDENTIAL, "shop")) == CREDENTIAL


def test_a_credential_that_never_expires_is_read_and_never_due() -> None:
    upstream = hub.secret(CLUSTER, CREDENTIAL, "shop")
    del upstream["metadata"]["annotations"]
    credential = hub.credential_of(upstream)
    assert credential is not None
    assert credential.expires is None
    assert not credential.due(NOW + 1000 * DAY)


@pytest.mark.parametrize("key", ["token", names.ADVERTISED])
def test_a_secret_without_token_or_address_is_no_credential(key: str) -> None:
    secret = hub.secret(CLUSTER, CREDENTIAL, "shop")
    del secret["data"][key]
    assert hub.credential_of(secret) is None


@pytest.mark.parametrize(("days", "due"), [(0, False), (3, False), (3.5, True), (8, True)])
def test_a_token_is_due_when_half_of_its_life_is_over(days: float, due: bool) -> None:
    assert CREDENTIAL.due(NOW + days * DAY) is due


def test_a_renewal_holds_only_if_nobody_changed_the_secret() -> None:
    secret = hub.secret(CLUSTER, CREDENTIAL, "shop")
    secret["metadata"]["resourceVersion"] = "17"
    assert hub.renewed(secret, CREDENTIAL)["metadata"]["resourceVersion"] == "17"


def test_a_credential_never_shows_its_token() -> None:
    assert "a.b.c" not in f"{CREDENTIAL} {CREDENTIAL!r} {[CREDENTIAL]}"
