"""How variables of templates are written: `cluster.labels.region`, `cluster.labels["topology.kubernetes.io/zone"]`."""

import json

Path = tuple[str, ...]
"""Keys from the outermost variable inwards."""


def written(path: Path) -> str:
    """A variable as templates write it."""
    first, *rest = path
    return first + "".join(f".{key}" if key.isidentifier() else f"[{json.dumps(key)}]" for key in rest)
