"""The door to randomness: keys of digests, so that nobody who lacks them can try values, or compare two runs."""

import secrets


def fresh() -> bytes:
    """Sixteen random bytes."""
    return secrets.token_bytes(16)
