"""What REPO means: a path, or a `file://`, `https://`, `ssh://` or scp-like URL. Anything else is refused.

Transport helpers (`ext::`) run commands and plain `http://` shows credentials to the network, so neither is taken, also
not by way of a redirect or a submodule: git is told to allow only the transport that was given.
"""

import hashlib
import re
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

import msgspec

from reconciler.adapters.git.words import masked
from reconciler.model.errors import UsageError

Transport = Literal["file", "https", "ssh"]

_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*::")
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://")
_SCP = re.compile(
    r"([A-Za-z0-9._~-]+@)?[A-Za-z0-9][A-Za-z0-9._-]*:(?!//)[^:].*|([A-Za-z0-9._~-]+@)?\[[0-9a-fA-F:]+\]:.+"
)
_ALLOWED = "a path, or a file://, https://, ssh:// or user@host:path URL"


class Remote(msgspec.Struct, frozen=True):
    """A repo to fetch from and push to."""

    url: str
    transport: Transport
    path: Path | None = None
    """Where it is, when it is on this machine."""

    @property
    def shown(self) -> str:
        """The URL without credentials."""
        return masked(self.url)

    @property
    def slug(self) -> str:
        """A directory name for its mirror: the same for the same repo, whoever reads it."""
        plain = re.sub(r"//[^/@]+@", "//", self.url)
        words = re.sub(r"[^A-Za-z0-9]+", "-", plain.rstrip("/").removesuffix(".git").rpartition("/")[2]).strip("-")
        return f"{words[:40]}-{hashlib.sha256(plain.encode()).hexdigest()[:16]}"


def parse(text: str, base: Path) -> Remote:
    """The remote that a user named; relative paths start at `base`. UsageError for what is no repo that we take."""
    if not text or text.startswith("-") or "\n" in text or "\0" in text or _HELPER.match(text):
        raise UsageError("bad-repo", f"{masked(text)!r} is not a repo that can be read", f"give {_ALLOWED}")
    scheme = _SCHEME.match(text)
    if scheme:
        return _of_url(text, scheme["scheme"].lower())
    if _SCP.fullmatch(text) and not (base / text).exists():
        return Remote(text, "ssh")
    return _of_path(base / Path(text).expanduser(), text)


def _of_url(text: str, scheme: str) -> Remote:
    if scheme == "file":
        return _of_path(Path(unquote(urlsplit(text).path)), text)
    if scheme == "https" or scheme == "ssh":
        if not urlsplit(text).hostname:
            raise UsageError("bad-repo", f"{masked(text)!r} names no host", f"give {_ALLOWED}")
        return Remote(text, "https" if scheme == "https" else "ssh")
    reason = "shows credentials to the network" if scheme == "http" else "is not supported"
    raise UsageError("bad-repo", f"{masked(text)!r}: {scheme}:// {reason}", f"give {_ALLOWED}")


def _of_path(path: Path, text: str) -> Remote:
    path = path.resolve()
    if not path.is_dir():
        raise UsageError("no-repo", f"{text!r} is not a directory", f"give {_ALLOWED}")
    if not is_repo(path):
        above = next((parent for parent in path.parents if is_repo(parent)), None)
        hint = f"give {above} and the rest as --path" if above else "git init"
        raise UsageError("no-repo", f"{text!r} is not a Git repo", hint)
    return Remote(str(path), "file", path)


def is_repo(path: Path) -> bool:
    """Whether a directory is the root of a work tree, or a bare repo."""
    return (path / ".git").exists() or ((path / "HEAD").is_file() and (path / "objects").is_dir())
