"""Encrypted objects as they may be shown: each encrypted value as a fingerprint of its ciphertext.

The ciphertext stands in the repo anyway; the fingerprint is short, and the same in every run until somebody encrypts
the value anew. It says nothing of the plaintext: two equal values have different ciphertexts.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from reconciler.model.objects import Object

_ENCRYPTED = "ENC["
_DIGITS = 8


def shown(body: Object) -> Object:
    """The object with `sops:1a2b3c4d` in place of every encrypted value."""
    return {name: _shown(value) for name, value in body.items()}


def _shown(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _shown(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if isinstance(value, str) and value.startswith(_ENCRYPTED):
        return f"sops:{hashlib.sha256(value.encode()).hexdigest()[:_DIGITS]}"
    return value
