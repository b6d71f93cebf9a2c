"""Rules about charts."""

ERRORS: dict[str, tuple[str, str]] = {}

WARNINGS: dict[str, tuple[str, str]] = {}
