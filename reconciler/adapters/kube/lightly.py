"""aiohttp, imported without the system's certificate authorities.

On import aiohttp makes TLS contexts for requests that bring none, and reading every authority of the system for them
costs as much as a hundred requests. Ours always bring their own; one that did not would trust nobody.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def _trusting_nobody() -> Iterator[None]:
    contexts: Any = ssl.SSLContext
    contexts.set_default_verify_paths = lambda _: None
    try:
        yield
    finally:
        del contexts.set_default_verify_paths


with _trusting_nobody():
    import aiohttp

__all__ = ["aiohttp"]
