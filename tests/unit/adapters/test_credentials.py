"""What a credential sends, without a server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from reconciler.adapters.kube.connection import AuthProvider, Basic, Credential, ExecPlugin, Token, TokenFile
from reconciler.adapters.kube.credentials import authorize
from reconciler.model.errors import Untrusted

HEADERS = [
    (None, "", False),
    (Token("abc"), "Bearer abc", False),
    (Basic("user", "pass"), "Basic dXNlcjpwYXNz", False),
    (AuthProvider({"name": "oidc", "config": {"id-token": "jwt"}}), "Bearer jwt", False),
]


@pytest.mark.parametrize(("credential", "header", "renewable"), HEADERS, ids=["none", "token", "password", "provider"])
def test_credential_becomes_a_header(credential: Credential | None, header: str, renewable: bool) -> None:
    authorized = asyncio.run(authorize(credential))
    assert (authorized.header, authorized.renewable) == (header, renewable)
    assert "abc" not in repr(authorized)


def test_token_file_is_believed_for_a_while(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc\n")
    authorized = asyncio.run(authorize(TokenFile(str(tmp_path / "token"))))
    assert (authorized.header, authorized.lifetime, authorized.renewable) == ("Bearer abc", 60.0, True)


NOTHING = {
    "empty file": TokenFile("/dev/null"),
    "no file": TokenFile("/does/not/exist"),
    "provider without a token": AuthProvider({"name": "oidc", "config": {}}),
    "plugin that is not there": ExecPlugin(
        {"apiVersion": "client.authentication.k8s.io/v1", "command": "/does/not/exist", "installHint": "install it"}
    ),
    "plugin without a version": ExecPlugin({"command": "true"}),
    "plugin that needs a terminal": ExecPlugin(
        {"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/true", "interactiveMode": "Always"}
    ),
    "plugin that prints nothing": ExecPlugin({"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/true"}),
}


@pytest.mark.parametrize("case", NOTHING)
def test_credential_that_gives_nothing_is_untrusted(case: str) -> None:
    with pytest.raises(Untrusted) as raised:
        asyncio.run(authorize(NOTHING[case]))
    assert raised.value.code == "no-credential"


def test_hint_of_a_plugin_is_passed_on() -> None:
    with pytest.raises(Untrusted) as raised:
        asyncio.run(authorize(NOTHING["plugin that is not there"]))
    assert raised.value.hint == "install it"
