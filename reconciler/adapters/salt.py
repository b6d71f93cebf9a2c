"""The door to randomness: a fresh salt for each run, so that fingerprints of two runs cannot be compared."""

import secrets


def fresh() -> bytes:
    """Sixteen random bytes."""
    return secrets.token_bytes(16)
