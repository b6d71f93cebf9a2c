"""Nothing secret is shown: values of Secrets, of what is encrypted in the repo, and copies of them elsewhere."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from reconciler.model.feed import RenderedObject
from reconciler.model.inflation import Seal
from reconciler.model.inventory import Entry
from reconciler.model.objects import BlobId, Digest, key_of
from reconciler.model.plan import Action, Change
from reconciler.sync.masking import Veil, hides, telling

CANARY = "canary-5521"
SALT = b"salt"


def config(value: str, **metadata: object) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "web", **metadata},
        "data": {"value": value, "deep": [{"more": value}]},
    }


def change(body: dict[str, Any], *, seal: Seal | None = None, action: Action = Action.CHANGE) -> Change:
    wanted = RenderedObject(key_of(body), "v1", body, Digest("d"), seal=seal)
    return Change(action, wanted.key, "v1", wanted, Entry(wanted.key, "v1", Digest("e"), "u"))


SECRETS = {
    "data": {"data": {"password": base64.b64encode(CANARY.encode()).decode()}},
    "stringData": {"stringData": {"password": CANARY}},
}


@pytest.mark.parametrize("member", SECRETS.values(), ids=SECRETS)
def test_values_of_secrets_are_fingerprints(member: dict[str, Any]) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, **member}
    told = str(Veil(SALT, frozenset(), hidden=False).over(body))
    assert CANARY not in told
    assert base64.b64encode(CANARY.encode()).decode() not in told


def test_copy_of_a_secret_in_another_object_is_a_fingerprint() -> None:
    body = config(f"postgres://user:{CANARY}@db", annotations={"dsn": CANARY})
    assert CANARY not in str(Veil(SALT, telling(frozenset({CANARY, "yes"})), hidden=False).over(body))


def test_short_secrets_hide_nothing_elsewhere() -> None:
    body = config("yes")
    assert Veil(SALT, telling(frozenset({"yes"})), hidden=False).over(body) == body


def test_all_values_of_an_encrypted_object_are_fingerprints_and_its_name_is_not() -> None:
    shown = Veil(SALT, frozenset(), hidden=True).over(config(CANARY))
    assert CANARY not in str(shown)
    assert shown["metadata"] == {"name": "a", "namespace": "web"}


def test_equal_values_stay_equal_and_others_differ() -> None:
    veil = Veil(SALT, frozenset(), hidden=True)
    assert veil.over(config("a")) == veil.over(config("a"))
    assert veil.over(config("a")) != veil.over(config("b"))


def test_what_is_encrypted_in_the_repo_or_was_when_written_is_hidden() -> None:
    plain, open_ = config("x"), config("x", annotations={"clusternet.io/last-applied-configuration": "{}"})
    assert hides(change(plain, seal=Seal("a.yaml", BlobId("b"))), open_)
    assert hides(change(plain), plain)
    assert not hides(change(plain), open_)
    assert not hides(change(plain, action=Action.ADOPT), plain)
