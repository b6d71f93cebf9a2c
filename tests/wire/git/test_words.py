"""What git says, sorted by who must act; whatever it says, no credential is repeated."""

import pytest

from reconciler.adapters.git import words
from reconciler.model.errors import ReconcilerError, ToolFailed, Unreachable, Untrusted

SAID = [
    ("remote: HTTP Basic: Access denied\nfatal: Authentication failed for 'https://ann:tok@host/x.git/'", Untrusted),
    ("fatal: could not read Username for 'https://host': terminal prompts disabled", Untrusted),
    ("git@host: Permission denied (publickey).\nfatal: Could not read from remote repository.", Untrusted),
    ("Host key verification failed.\nfatal: Could not read from remote repository.", Untrusted),
    ("fatal: unable to access 'https://host/': The requested URL returned error: 403", Untrusted),
    ("fatal: unable to access 'https://host/': SSL certificate problem: self-signed certificate", Untrusted),
    ("fatal: unable to access 'https://host/': Could not resolve host: host", Unreachable),
    ("fatal: unable to access 'https://host/': Failed to connect to host port 443: Connection refused", Unreachable),
    ("ssh: connect to host host port 22: Connection timed out\nfatal: Could not read from remote", Unreachable),
    ("fatal: unable to access 'https://host/': The requested URL returned error: 503", Unreachable),
    ("error: RPC failed\nfatal: early EOF", Unreachable),
    ("remote: Repository not found.\nfatal: repository 'https://host/x.git/' not found", ToolFailed),
    ("fatal: couldn't find remote ref refs/heads/x", ToolFailed),
    ("", ToolFailed),
]


@pytest.mark.parametrize(("stderr", "kind"), SAID, ids=[said[-40:] for said, _ in SAID])
def test_words_tell_who_must_act(stderr: str, kind: type[ReconcilerError]) -> None:
    error = words.failure("fetch", stderr)
    assert type(error) is kind
    assert "tok" not in error.message
    assert "\n" not in error.message


def test_only_the_last_lines_are_told_without_hints_and_progress() -> None:
    said = "one\ntwo\nCounting: 1%\rCounting: 100%\nthree\nhint: do it\nhttps://a:b@h and ssh://git@h\nlast\n"
    assert words.last_lines(said) == "Counting: 100%; three; https://h and ssh://h; last"
