"""What refusals say to people."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.adapters.kube.answers import LONGEST, refusal

CANARY = "canary-value"
SECRET = "/api/v1/namespaces/a/secrets/s?fieldManager=x"
OTHER = "/api/v1/namespaces/a/configmaps/s?fieldManager=x"
SENT = json.dumps({"kind": "Secret", "data": {"a": "Y2FuYXJ5LXZhbHVl"}}).encode()


def status(reason: str, message: str, **details: Any) -> bytes:
    return json.dumps({"kind": "Status", "reason": reason, "message": message, "details": details or None}).encode()


def test_server_is_quoted_word_by_word() -> None:
    error = refusal(422, status("Invalid", 'ConfigMap "s" is invalid: x', name="s"), OTHER, None)
    assert (error.status, error.reason, error.message) == (422, "Invalid", 'ConfigMap "s" is invalid: x')


def test_long_words_are_cut() -> None:
    error = refusal(422, status("Invalid", "x" * 5000), OTHER, None)
    assert len(error.message) == LONGEST


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"reason": 1}', b"\xff"])
def test_answer_that_is_no_status_is_told_by_its_number(content: bytes) -> None:
    assert refusal(502, content, OTHER, None).message == "the API server answered 502"


NOT_FOUND = [
    ("object", status("NotFound", 'configmaps "s" not found', name="s", kind="configmaps"), "NotFound"),
    ("kind", status("NotFound", "the server could not find the requested resource"), "NoMatch"),
    ("path", b"404 page not found\n", "NoMatch"),
]


@pytest.mark.parametrize(("content", "reason"), [case[1:] for case in NOT_FOUND], ids=[case[0] for case in NOT_FOUND])
def test_missing_object_is_told_from_a_missing_kind(content: bytes, reason: str) -> None:
    assert refusal(404, content, OTHER, None).reason == reason


CAUSE = {"reason": "FieldValueInvalid", "message": f'Invalid value: "{CANARY}"', "field": "data[a]"}
CONFLICT = {"reason": "FieldManagerConflict", "message": 'conflict with "kubectl" using v1', "field": ".data.a"}
SECRETS = [
    (422, status("Invalid", f'Invalid value: "{CANARY}"', name="s", causes=[CAUSE]), "data[a]: FieldValueInvalid"),
    (409, status("Conflict", "Apply failed", name="s", causes=[CONFLICT]), 'conflict with "kubectl" using v1: .data.a'),
    (400, status("BadRequest", f"cannot unmarshal {CANARY}"), "withheld"),
    (403, status("Forbidden", f"webhook says {CANARY} and Y2FuYXJ5LXZhbHVl are weak"), "webhook says *** and ***"),
    (403, status("Forbidden", 'User "jane" cannot patch'), 'User "jane" cannot patch'),
]


@pytest.mark.parametrize(
    ("code", "content", "told"), SECRETS, ids=["causes", "conflict", "no causes", "webhook", "role"]
)
def test_refused_secret_tells_fields_and_reasons_and_no_values(code: int, content: bytes, told: str) -> None:
    message = refusal(code, content, SECRET, SENT).message
    assert told in message
    assert CANARY not in message
