"""The last step before writes: encrypted objects of a plan become plaintext, those that will be written and no others.

What the inventory and the status remember stays the digest of what the repo holds, so that nothing is decrypted to find
out that nothing changed.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from reconciler.model.errors import ToolFailed
from reconciler.model.feed import RenderedObject
from reconciler.model.objects import Object, ObjectKey
from reconciler.model.plan import Action, Change, Plan

Open = Callable[[Sequence[RenderedObject]], Awaitable[Mapping[ObjectKey, Object]]]
"""The plaintext of encrypted objects, by key; raises ToolFailed with words for people."""


async def opened(decided: Plan, way: Open | None) -> Plan:
    """The plan with plaintext in place of what is encrypted. ToolFailed when something cannot be opened."""
    sealed = [change.wanted for wave in decided.waves for change in wave if _closed(change) and change.wanted]
    if not sealed:
        return decided
    plain = {obj.key: obj.body for obj in await in_clear(sealed, way)}
    waves = tuple(tuple(_with(change, plain) for change in wave) for wave in decided.waves)
    return msgspec.structs.replace(decided, waves=waves)


async def in_clear(objects: Sequence[RenderedObject], way: Open | None) -> list[RenderedObject]:
    """These objects with plaintext where they are encrypted. ToolFailed when something cannot be opened."""
    sealed = [obj for obj in objects if obj.seal is not None]
    if not sealed:
        return list(objects)
    if way is None:
        raise ToolFailed("sealed", f"{sealed[0].key} is encrypted, and nobody can open it here")
    plain = await way(sealed)
    return [msgspec.structs.replace(obj, body=plain[obj.key]) if obj.seal is not None else obj for obj in objects]


def _closed(change: Change) -> bool:
    return change.action is not Action.UNCHANGED and change.wanted is not None and change.wanted.seal is not None


def _with(change: Change, plain: Mapping[ObjectKey, Object]) -> Change:
    if not _closed(change) or change.wanted is None:
        return change
    return msgspec.structs.replace(change, wanted=msgspec.structs.replace(change.wanted, body=plain[change.key]))
