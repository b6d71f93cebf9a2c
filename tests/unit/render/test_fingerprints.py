"""Secrets as they may be shown."""

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.fingerprints import concealed, fingerprint, secret_texts, veiled

SALT = b"0123456789abcdef"


def secret(**members: object) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, **members}


@given(st.text())
def test_text_and_its_base64_have_one_fingerprint_and_it_is_not_the_value(text: str) -> None:
    encoded = base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()
    shown = veiled(secret(data={"a": encoded}, stringData={"a": text}), SALT)
    assert shown["data"]["a"] == shown["stringData"]["a"] == fingerprint(text, SALT)


def test_fingerprints_of_two_runs_differ() -> None:
    assert fingerprint("a", b"one") != fingerprint("a", b"two")


def test_a_copy_of_the_object_in_an_annotation_is_hidden_too() -> None:
    kept = {"kubectl.kubernetes.io/last-applied-configuration": '{"data": "canary"}', "other": "kept"}
    body = secret(metadata={"name": "a", "annotations": kept})
    shown = json.dumps(veiled(body, SALT))
    assert "canary" not in shown
    assert "kept" in shown


def test_what_is_no_secret_or_is_to_be_shown_stays_the_same_object() -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "b"}}
    assert veiled(body, SALT) is body
    clear = secret(data={"a": "YQ=="})
    assert veiled(clear, None) is clear


def test_a_broken_secret_is_shown_as_it_is_but_for_its_values() -> None:
    assert veiled(secret(data=None), SALT)["data"] is None
    assert veiled(secret(data={"a": "not base64!"}), SALT)["data"] == {"a": fingerprint("not base64!", SALT)}


def test_values_that_end_in_a_secret_are_concealed_wherever_they_stand() -> None:
    known = secret_texts([secret(data={"p": base64.b64encode(b"canary-1").decode()}, stringData={"q": "x"})])
    values = {"password": "canary-1", "url": "https://u:canary-1@host", "list": ["x", "xy"], "n": 3}
    assert concealed(values, known, SALT) == {
        "password": fingerprint("canary-1", SALT),
        "url": fingerprint("https://u:canary-1@host", SALT),
        "list": [fingerprint("x", SALT), "xy"],
        "n": 3,
    }
