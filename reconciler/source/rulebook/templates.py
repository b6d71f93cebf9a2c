"""Rules about templates and values files."""

ERRORS: dict[str, tuple[str, str]] = {}

WARNINGS: dict[str, tuple[str, str]] = {}
