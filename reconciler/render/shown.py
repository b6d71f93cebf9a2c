"""Rendered objects as they may be shown to people and logs: no value of a Secret, nothing decrypted."""

from reconciler.model.feed import RenderedObject
from reconciler.model.inflation import Seal
from reconciler.model.objects import Object
from reconciler.render import sealed
from reconciler.render.fingerprints import veiled


def shown(rendered: RenderedObject, salt: bytes | None) -> Object:
    """The object as it may be shown; without a salt as it is."""
    return shown_body(rendered.body, rendered.seal, salt)


def shown_body(body: Object, seal: Seal | None, salt: bytes | None) -> Object:
    """Values of Secrets as fingerprints; of an encrypted object its ciphertexts as fingerprints, nothing decrypted."""
    if salt is None:
        return body
    return veiled(body, salt) if seal is None else sealed.shown(body)
