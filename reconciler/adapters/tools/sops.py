"""The door to sops: encrypted documents in on stdin, plaintext out, and nothing of either in any message.

sops sees keys for age and PGP and nothing else that opens doors: no home directory, no credentials of clouds or vaults,
because the encrypted file itself says where sops shall ask for its key.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from reconciler.adapters import processes
from reconciler.adapters.tools import programs
from reconciler.model.errors import ToolFailed

DEADLINE: Final = 60.0
"""Seconds; a key that asks for a passphrase would wait for ever."""
LIMIT: Final = 32 << 20
"""Bytes of plaintext."""
_NO_KEY: Final = 128
_BAD_MAC: Final = (51, 52)
"""Exit codes of sops: the file was changed after it was encrypted, or holds no MAC at all."""
_RECIPIENT: Final = re.compile(rb"\"?recipient\"?:\s*\"?((?:age1|ssh-)[^\s\",]+)")
_FINGERPRINT: Final = re.compile(rb"\"?fp\"?:\s*\"?([0-9A-Fa-f]{8,40})\b")
_NOWHERE: Final = "http://127.0.0.1:9"
_TOLD: Final = 3
"""Keys of a file that a message names."""


class Cipher(msgspec.Struct, frozen=True):
    """An encrypted file."""

    path: str
    """For messages; nothing is read there."""
    content: bytes
    several: bool = False
    """Whether it holds several documents; then the plaintext is YAML, otherwise JSON."""


async def decrypt(cipher: Cipher, environment: Mapping[str, str]) -> bytes:
    """The plaintext of all documents of a file.

    ToolFailed says which file, and the keys that would open it: `no-program`, `sops-key`, `sops-changed`,
    `sops-failed`.
    """
    source = "json" if cipher.path.endswith(".json") else "yaml"
    target = "yaml" if cipher.several else "json"
    arguments = ["decrypt", "--input-type", source, "--output-type", target, "--decryption-order", "age,pgp"]
    try:
        call = processes.Call(
            programs.find("sops", environment),
            arguments,
            _environment(environment),
            stdin=cipher.content,
            deadline=DEADLINE,
            limit=LIMIT,
        )
        ended = await processes.run(call)
    except ToolFailed as error:
        raise ToolFailed(error.code, f"{cipher.path} cannot be decrypted: {error.message}", error.hint) from error
    if ended.status != 0:
        raise _failure(cipher, ended.status)
    return ended.stdout


def keys_of(content: bytes) -> str:
    """The public names of the keys that open a file: `age age1…`, `PGP 85D7…`."""
    ages = [f"age {found.decode()}" for found in dict.fromkeys(_RECIPIENT.findall(content))]
    both = [*ages, *(f"PGP {found.decode()}" for found in dict.fromkeys(_FINGERPRINT.findall(content)))]
    more = f" and {len(both) - _TOLD} more" if len(both) > _TOLD else ""
    return ", ".join(both[:_TOLD]) + more


def _failure(cipher: Cipher, status: int) -> ToolFailed:
    """sops' own words are not told: they quote what they complain of."""
    if status == _NO_KEY:
        message = f"{cipher.path} cannot be decrypted: none of its keys is here ({keys_of(cipher.content)})"
        return ToolFailed("sops-key", message, "set SOPS_AGE_KEY or SOPS_AGE_KEY_FILE, or import the PGP key")
    if status in _BAD_MAC:
        message = f"{cipher.path} cannot be decrypted: it was changed after it was encrypted (bad MAC)"
        return ToolFailed("sops-changed", message, "restore it, or edit it with `sops edit`")
    message = f"{cipher.path} cannot be decrypted: sops ended with status {status}"
    return ToolFailed("sops-failed", message, "`sops decrypt` by hand says why; it must be 3.10 or newer")


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    allowed = {
        name: value for name, value in programs.passed(environment).items() if not name.upper().endswith("PROXY")
    }
    own = {name: value for name, value in environment.items() if name.startswith("SOPS_")}
    home = environment.get("HOME", "/nonexistent")
    closed = {} if "SOPS_AGE_KEY_CMD" in own else {"HTTPS_PROXY": _NOWHERE, "HTTP_PROXY": _NOWHERE}
    default = {} if "SOPS_AGE_KEY_FILE" in own else _default_keys(environment, home)
    rings = {"GNUPGHOME": environment.get("GNUPGHOME") or f"{home}/.gnupg"}
    return {**allowed, **own, **default, **rings, **closed, "HOME": "/nonexistent"}


def _default_keys(environment: Mapping[str, str], home: str) -> dict[str, str]:
    """Where sops looks for age keys of itself, told to it because it does not see the home directory."""
    folders = (environment.get("XDG_CONFIG_HOME") or f"{home}/.config", f"{home}/Library/Application Support")
    found = (Path(folder, "sops", "age", "keys.txt") for folder in folders)
    return next(({"SOPS_AGE_KEY_FILE": str(path)} for path in found if path.is_file()), {})
