"""Signing keys that an operator hands to a run, beside those that the fleet repo names."""

import re

from reconciler.model.errors import UsageError
from reconciler.model.settings import Signatures

_ARMOURED = re.compile(r"-----BEGIN PGP PUBLIC KEY BLOCK-----.*?-----END PGP PUBLIC KEY BLOCK-----", re.DOTALL)


def keys_in(text: str) -> Signatures:
    """The keys of a file: `authorized_keys` lines and ASCII-armoured GPG blocks, in any order; `#` begins a comment.

    UsageError when there is none: a file that was meant to guard must not open the door.
    """
    blocks = tuple(_ARMOURED.findall(text))
    lines = (line.strip() for line in _ARMOURED.sub("", text).splitlines())
    ssh = tuple(line for line in lines if line and not line.startswith("#"))
    if not (ssh or blocks):
        raise UsageError("no-keys", "the file of trusted keys holds none", "ssh-ed25519 AAAA… name@host, one per line")
    return Signatures(ssh=ssh, gpg=blocks)
