"""Objects in encrypted files: what is seen of them, what they are told apart by, and what cannot be used."""

from __future__ import annotations

import pytest

from reconciler.model.inflation import Seal
from reconciler.model.objects import ObjectKey
from reconciler.model.snapshot import Resource, Snapshot
from reconciler.render import sealed
from tests.repos import read_repo

ENC = "ENC[AES256_GCM,data:abc=,iv:def=,tag:ghi=,type:str]"
SOPS = "sops:\n  age: [{recipient: age1x, enc: text}]\n  lastmodified: '2026-01-01T00:00:00Z'\n  mac: 'ENC[z]'\n"
SECRET = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: db}}\nstringData:\n  password: {ENC}\n"
KEY = ObjectKey("", "Secret", "default", "db")


def read(text: str, settings: str = "fleet: demo\ndelivery: {to: clusters}\n") -> Snapshot:
    snapshot, _ = read_repo({"fleet.yaml": settings, "secret.yaml": text})
    assert snapshot is not None
    return snapshot


def resource(text: str) -> Resource:
    snapshot = read(text)
    assert snapshot.problems == ()
    return snapshot.resources[KEY]


def rules(snapshot: Snapshot) -> list[str]:
    return [problem.rule for problem in snapshot.problems]


def test_body_is_what_the_file_holds_without_the_keys() -> None:
    found = resource(SECRET + SOPS)
    assert found.body == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "namespace": "default"},
        "stringData": {"password": ENC},
    }


def test_seal_says_where_the_plaintext_comes_from() -> None:
    snapshot, _ = read_repo({"fleet.yaml": "fleet: demo\n", "a/secret.yaml": f"---\n{SECRET}{SOPS}"})
    assert snapshot is not None
    assert snapshot.resources[KEY].seal == Seal("a/secret.yaml", snapshot.files["a/secret.yaml"], 0)


@pytest.mark.parametrize(
    ("old", "new"), [("data:abc=", "data:abd="), ("age1x", "age1y"), ("ENC[z]", "ENC[y]")], ids=["value", "key", "mac"]
)
def test_digest_changes_with_ciphertext_and_keys(old: str, new: str) -> None:
    assert resource((SECRET + SOPS).replace(old, new)).digest != resource(SECRET + SOPS).digest


def test_digest_does_not_follow_comments() -> None:
    assert resource(f"# a\n{SECRET}# b\n{SOPS}").digest == resource(SECRET + SOPS).digest


def test_plain_secret_has_no_seal() -> None:
    assert resource("apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {a: b}\n").seal is None


def test_several_documents_may_share_a_file_on_the_way_to_clusters() -> None:
    both = f"{SECRET}{SOPS}---\n{SECRET.replace('name: db', 'name: other')}{SOPS}"
    assert rules(read(both)) == []
    files = "fleet: demo\ndelivery: {to: directory, directory: {path: out}}\n"
    assert rules(read(both, files)) == ["sealed-together", "sealed-together"]


WRONG = {
    "everything": (SECRET.replace("v1", ENC) + SOPS, "sealed-identity"),
    "name": (SECRET.replace("name: db", f"name: '{ENC}'") + SOPS, "sealed-identity"),
    "annotation": (SECRET.replace("name: db", f"name: db, annotations: {{a: '{ENC}'}}") + SOPS, "sealed-identity"),
    "no keys of ours": (SECRET + "sops: {mac: x, kms: [{arn: a}]}\n", "sealed-keys"),
    "no sops member": (SECRET, "sealed-without-keys"),
    "list": ("apiVersion: v1\nkind: List\nitems: []\n" + SOPS, "sealed-list"),
    "control object": (
        "apiVersion: apps.clusternet.io/v1alpha1\nkind: Localization\nmetadata: {name: a, namespace: b}\nspec: {}\n"
        "sops: text\n",
        "unknown-field",
    ),
}


@pytest.mark.parametrize(("text", "rule"), WRONG.values(), ids=WRONG)
def test_what_nobody_could_deliver_is_told(text: str, rule: str) -> None:
    snapshot = read(text)
    assert rule in rules(snapshot)
    assert KEY not in snapshot.resources


@pytest.mark.parametrize(
    "keys",
    ["age: [{recipient: a}]", "pgp: [{fp: A}]", "key_groups: [{age: [{recipient: a}]}]", "age: [{}]\n  kms: [{}]"],
)
def test_keys_of_age_or_pgp_are_enough(keys: str) -> None:
    assert rules(read(f"{SECRET}sops:\n  mac: x\n  {keys}\n")) == []


def test_encrypted_values_are_shown_as_fingerprints_of_the_ciphertext() -> None:
    shown = sealed.shown({"data": {"a": ENC, "b": [ENC, "plain", 1]}, "kind": "Secret"})
    mark = shown["data"]["a"]
    assert mark == shown["data"]["b"][0]
    assert mark.startswith("sops:")
    assert len(mark) == len("sops:") + 8
    assert shown["data"]["b"][1:] == ["plain", 1]
