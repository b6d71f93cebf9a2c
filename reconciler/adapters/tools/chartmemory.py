"""What helm made of charts, remembered across runs and encrypted.

The key comes from the question itself, values included, so that only who has the inputs of a rendering can read what
came of it. May be deleted at any time; what is damaged, or was written for another question, counts as absent.
"""

import contextlib
import os
import zlib
from pathlib import Path

import msgspec

from reconciler.adapters.tools.chartstore import replace
from reconciler.adapters.tools.helm import Part

_KEPT = 256 << 20
"""Bytes on disk; what was used longest ago goes first."""
_NONCE = 12
_LARGEST = 64 << 20


class Memory:
    """The renderings of one cache directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def find(self, question: bytes) -> tuple[Part, ...] | None:
        """What came of a question; the bytes hold all that the answer depends on."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        name, key = _derived(question)
        path = self._directory / name
        with contextlib.suppress(OSError, InvalidTag, msgspec.DecodeError, zlib.error, ValueError):
            content = path.read_bytes()
            packed = ChaCha20Poly1305(key).decrypt(content[:_NONCE], content[_NONCE:], None)
            os.utime(path)
            inflate = zlib.decompressobj()
            return msgspec.msgpack.decode(inflate.decompress(packed, _LARGEST), type=tuple[Part, ...])
        return None

    def keep(self, question: bytes, parts: tuple[Part, ...]) -> None:
        """Remember what came of a question."""
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        name, key = _derived(question)
        nonce = os.urandom(_NONCE)
        packed = zlib.compress(msgspec.msgpack.encode(parts))
        with contextlib.suppress(OSError):
            replace(self._directory / name, nonce + ChaCha20Poly1305(key).encrypt(nonce, packed, None))

    def trim(self) -> None:
        """Forget what was used longest ago, down to the bound."""
        with contextlib.suppress(OSError):
            found = [(path.stat(), path) for path in self._directory.iterdir()]
            total = sum(stat.st_size for stat, _ in found)
            for stat, path in sorted(found, key=lambda one: one[0].st_mtime_ns):
                if total <= _KEPT:
                    break
                path.unlink(missing_ok=True)
                total -= stat.st_size


def _derived(question: bytes) -> tuple[str, bytes]:
    """File name and key; neither tells anything of the question, nor one of the other."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    both = HKDF(SHA256(), 64, None, b"reconciler rendered chart 1").derive(question)
    return both[:32].hex(), both[32:]
