"""Root of every section of `fleet.yaml`: an unknown member is an error with its path."""

import msgspec


class Setting(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """One section of `fleet.yaml`."""
