"""What a credential gives at one moment."""

import msgspec

from reconciler.adapters.kube.connection import ClientCertificate


class Authorized(msgspec.Struct, frozen=True):
    """What a credential gives at this moment."""

    header: str = ""
    certificate: ClientCertificate | None = None
    lifetime: float = float("inf")
    """Seconds until it should be asked for again."""
    renewable: bool = False
    """Asking again may give another answer, so that a 401 is worth a second try."""

    def same_as(self, other: "Authorized") -> bool:
        """Whether a server would see no difference."""
        return (self.header, self.certificate) == (other.header, other.certificate)

    def __repr__(self) -> str:
        return "Authorized(…)"
