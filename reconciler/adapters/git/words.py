"""What git says on stderr, sorted by who must act, and without credentials."""

import re

from reconciler.model.errors import ReconcilerError, ToolFailed, Unreachable, Untrusted

_SECRETS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/@\s'\"]+@", re.IGNORECASE)
_LINES = 4
"""How many of git's last lines are told."""

_UNTRUSTED = re.compile(
    r"authentication failed|could not read (username|password)|terminal prompts disabled|permission denied \(|"
    r"host key verification failed|certificate (problem|verif)|verification failed|access denied|invalid credentials|"
    r"returned error: (401|403)|ssl peer certificate|self.signed certificate|too many authentication failures|"
    r"gnutls_handshake|dubious ownership",
    re.IGNORECASE,
)
_UNREACHABLE = re.compile(
    r"could not resolve host|connection (refused|timed out|reset|closed)|failed to connect|couldn't connect|"
    r"no route to host|network is unreachable|early eof|hung up unexpectedly|returned error: 5\d\d|operation timed out|"
    r"temporary failure|ssl_error_syscall|empty reply from server|returned error: 429|broken pipe",
    re.IGNORECASE,
)
_LOST = re.compile(r"not a git repository: '|bad (shallow|config) line|bad config value", re.IGNORECASE)
_UNADVERTISED = re.compile(r"unadvertised object|not our ref", re.IGNORECASE)
_OF_REMOTE = re.compile(
    r"couldn't find remote ref|does not appear to be a git repository|repository .* not found|not our ref|"
    r"mismatched algorithms|transport .* not allowed",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """Text without the user part of URLs, which may be a token."""
    return _SECRETS.sub(r"\g<scheme>", text)


def last_lines(stderr: str) -> str:
    """The last words of git, masked, as one line; hints and progress are left out."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", stderr)]
    told = [line for line in lines if line and not line.startswith("hint:")]
    return masked("; ".join(told[-_LINES:]))


def failure(what: str, stderr: str) -> ReconcilerError:
    """The error of a git command that failed: Untrusted, Unreachable or ToolFailed."""
    message = f"git {what}: {last_lines(stderr) or 'failed without a word'}"
    if _UNTRUSTED.search(stderr):
        return Untrusted("git-refused", message, "check the credentials that git itself uses for this remote")
    if _UNREACHABLE.search(stderr):
        return Unreachable("git-unreachable", message)
    return ToolFailed("git-failed", message)


def is_lost(stderr: str) -> bool:
    """Whether the words can only mean that our own copy is damaged, so that a new one helps."""
    return _LOST.search(stderr) is not None


def is_unadvertised(message: str) -> bool:
    """Whether the remote does not hand out a commit by its id, although it may have it."""
    return _UNADVERTISED.search(message) is not None


def is_of_remote(message: str) -> bool:
    """Whether the words can only mean the remote, so that a new copy of ours would not help."""
    return _OF_REMOTE.search(message) is not None
