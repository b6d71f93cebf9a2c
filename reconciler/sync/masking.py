"""What of live and rendered objects may be shown: values of Secrets, and of what is encrypted, as fingerprints."""

from collections.abc import Mapping
from typing import Any

import msgspec

from reconciler.apply import ownership
from reconciler.model.objects import Object
from reconciler.model.plan import Action, Change
from reconciler.render import fingerprints

SHORTEST = 6
"""Characters of a Secret's value that is looked for in other objects; shorter ones are found everywhere."""
_PLAIN = frozenset({"apiVersion", "kind"})


class Veil(msgspec.Struct, frozen=True):
    """How one object is shown."""

    salt: bytes
    """Made for each run, so that fingerprints of two runs cannot be compared."""
    secrets: frozenset[str]
    hidden: bool
    """All its values are secret, whatever its kind."""

    def over(self, obj: Object) -> Object:
        """The object as it may be shown; equal values stay equal."""
        if fingerprints.is_secret(obj):
            return fingerprints.veiled(obj, self.salt)
        return {name: self._member(name, value) for name, value in obj.items()}

    def _member(self, name: str, value: Any) -> Any:
        if name in _PLAIN:
            return value
        if name == "metadata":
            texts = {"annotations", "labels"} & value.keys()
            return {**value, **{member: self._told(value[member]) for member in texts}}
        return _printed(value, self.salt) if self.hidden else self._told(value)

    def _told(self, value: Any) -> Any:
        return fingerprints.concealed(value, self.secrets, self.salt)


def telling(secrets: frozenset[str]) -> frozenset[str]:
    """The values that say so much that no other field has them by chance."""
    return frozenset(text for text in secrets if len(text) >= SHORTEST)


def hides(change: Change, live: Object | None) -> bool:
    """Whether all values of an object are secret: it is encrypted in the repo, or was when we last wrote it.

    What was encrypted carries no copy of itself as an annotation; that is how it is known once it left the repo.
    """
    if change.wanted is not None and change.wanted.seal is not None:
        return True
    if live is None or change.entry is None or change.action is Action.ADOPT:
        return False
    return ownership.LAST_APPLIED not in (live["metadata"].get("annotations") or {})


def _printed(value: Any, salt: bytes) -> Any:
    if isinstance(value, Mapping):
        return {name: _printed(member, salt) for name, member in value.items()}
    if isinstance(value, list):
        return [_printed(item, salt) for item in value]
    return value if value is None or isinstance(value, bool) else fingerprints.fingerprint(str(value), salt)
