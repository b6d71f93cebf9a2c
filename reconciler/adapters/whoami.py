"""Who this process is, for others who must wait for it: host, process, and a mark of this one.

The mark lets a later run on the same machine see that a process is dead. It is a fingerprint: nothing of the machine
can be read from it.
"""

import functools
import hashlib
import os
import secrets
import socket
from pathlib import Path


@functools.cache
def _machine() -> str:
    """A fingerprint of this boot of this kernel and of our view of its processes; empty where it cannot be told."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        processes = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return ""
    return hashlib.sha256(f"reconciler {boot} {processes}".encode()).hexdigest()[:12]


def identity() -> str:
    """A new name for something that this process holds: `host/pid/machine-random`."""
    return f"{socket.gethostname()}/{os.getpid()}/{_machine()}-{secrets.token_hex(4)}"


def shown(name: str) -> str:
    """An identity as people want it: host and process."""
    host, _, rest = name.partition("/")
    process = rest.partition("/")[0]
    return f"process {process} on {host}" if process else name


def is_dead(name: str) -> bool:
    """Whether an identity is that of a process of this machine that is no more. False when that cannot be told."""
    _, _, rest = name.partition("/")
    process, _, mark = rest.partition("/")
    machine = mark.partition("-")[0]
    if not machine or machine != _machine() or not process.isdigit():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
