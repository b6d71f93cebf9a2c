"""Rendered objects as they may be shown to people and logs: no value of a Secret, nothing decrypted."""

from reconciler.model.feed import RenderedObject
from reconciler.model.objects import Object
from reconciler.render import sealed
from reconciler.render.fingerprints import veiled


def shown(rendered: RenderedObject, salt: bytes | None) -> Object:
    """The object with the values of Secrets as fingerprints; in clear without a salt. Encrypted ones stay so."""
    if rendered.seal is not None:
        return sealed.shown(rendered.body)
    return veiled(rendered.body, salt)
