"""What can go wrong, sorted by what the caller can do; `exit_code` follows the project's table."""

from __future__ import annotations


class FleetError(Exception):
    """Some clusters failed or could not be reached; the message says which and what to do."""

    exit_code = 4


class UsageError(FleetError):
    """Wrong arguments, configuration or environment; nothing was changed."""

    exit_code = 2
