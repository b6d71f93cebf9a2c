"""Digests that cover values of Secrets, as inventories hold them: made with a key, so that nobody can try values.

Those of Secrets, and those that are made from several objects: of the feed and of charts. What an inventory holds is
told by the digests of what is wanted: one that is the same under the key is the same. Others stay as they are, and are
equal to none.
"""

import hashlib
import hmac

import msgspec

from reconciler.model.feed import RenderedFeed
from reconciler.model.inventory import Entry, Inventory
from reconciler.model.objects import Digest, ObjectKey
from reconciler.planning.hooks import digests_of_charts

_MARK = "keyed:"
_DIGITS = 40


def concerns(inventory: Inventory) -> bool:
    """Whether digests of an inventory may cover values of Secrets; what hooks of charts are it does not say."""
    return bool(inventory.charts) or any(map(_is_secret, inventory.entries))


def is_keyed(inventory: Inventory) -> bool:
    """Whether some digest was made with a key."""
    digests = (inventory.feed, *inventory.charts.values(), *(e.digest for e in inventory.entries.values()))
    return any(digest.startswith(_MARK) for digest in digests if digest)


def concealed(inventory: Inventory, key: bytes) -> Inventory:
    """The inventory as it is written down."""
    return msgspec.structs.replace(
        inventory,
        entries={name: _entry(entry, _keyed(key, entry.digest)) for name, entry in inventory.entries.items()},
        feed=_keyed(key, inventory.feed),
        charts={name: _keyed(key, digest) or digest for name, digest in inventory.charts.items()},
    )


def revealed(inventory: Inventory, feed: RenderedFeed, key: bytes) -> Inventory:
    """The inventory with the digests of a feed, hooks aside, wherever it holds just these."""

    def told(held: Digest | None, wanted: Digest | None) -> Digest | None:
        return wanted if held and held.startswith(_MARK) and held == _keyed(key, wanted) else held

    wanted = {obj.key: obj.digest for obj in feed.objects}
    charts = digests_of_charts(feed)
    entries = inventory.entries
    return msgspec.structs.replace(
        inventory,
        entries={name: _entry(entry, told(entry.digest, wanted.get(name))) for name, entry in entries.items()},
        feed=told(inventory.feed, feed.digest),
        charts={name: told(digest, charts.get(name)) or digest for name, digest in inventory.charts.items()},
    )


def _entry(entry: Entry, digest: Digest | None) -> Entry:
    secret = _is_secret(entry.key) and digest != entry.digest
    return msgspec.structs.replace(entry, digest=digest) if secret else entry


def _is_secret(key: ObjectKey) -> bool:
    return key.kind == "Secret" and not key.group


def _keyed(key: bytes, digest: Digest | None) -> Digest | None:
    if digest is None or digest.startswith(_MARK):
        return digest
    return Digest(_MARK + hmac.new(key, digest.encode(), hashlib.sha256).hexdigest()[:_DIGITS])
