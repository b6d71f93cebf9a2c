"""The real sops behind its door: what is opened, and what is said when it is not."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.tools import sops
from reconciler.model.errors import ToolFailed
from reconciler.source import documents
from tests.plugins.fleet import tool
from tests.wire.sops.keys import CANARY, Age, Pgp, encrypted, secret

pytestmark = [pytest.mark.needs_tool("sops"), pytest.mark.needs_tool("age-keygen")]


def environment(keys: Mapping[str, str]) -> dict[str, str]:
    path = os.pathsep.join((str(tool("sops").parent), os.environ["PATH"]))
    return {"PATH": path, "HOME": "/nonexistent", **keys}


def opened(content: str, keys: Mapping[str, str], *, several: bool = False, path: str = "a/secret.yaml") -> list[Any]:
    cipher = sops.Cipher(path, content.encode(), several)
    plain = asyncio.run(sops.decrypt(cipher, environment(keys)))
    return [document.value for document in documents.everything(plain).documents]


def refusal(content: str, keys: Mapping[str, str]) -> ToolFailed:
    with pytest.raises(ToolFailed) as caught:
        opened(content, keys)
    assert CANARY not in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.message.startswith("a/secret.yaml cannot be decrypted")
    return caught.value


def test_age_key_opens_a_file(age: Age) -> None:
    [plain] = opened(encrypted(secret("db", "web"), age), age.environment)
    assert plain["stringData"] == {"password": CANARY, "port": "0012"}
    assert "sops" not in plain


def test_age_key_is_found_where_sops_looks_for_it(age: Age, tmp_path: Path) -> None:
    usual = tmp_path / "sops" / "age" / "keys.txt"
    usual.parent.mkdir(parents=True)
    usual.write_text(age.file.read_text())
    [plain] = opened(encrypted(secret("db", "web"), age), {"XDG_CONFIG_HOME": str(tmp_path)})
    assert plain["stringData"]["password"] == CANARY


def test_age_key_in_the_environment_opens_a_file(age: Age) -> None:
    [plain] = opened(encrypted(secret("db", "web"), age), {"SOPS_AGE_KEY": age.file.read_text()})
    assert plain["stringData"]["password"] == CANARY


def test_pgp_key_opens_a_file(pgp: Pgp) -> None:
    [plain] = opened(encrypted(secret("db", "web"), pgp), pgp.environment)
    assert plain["stringData"]["password"] == CANARY


def test_one_of_several_keys_is_enough(age: Age, pgp: Pgp) -> None:
    content = encrypted(secret("db", "web"), age, pgp)
    assert opened(content, age.environment) == opened(content, pgp.environment)


def test_json_is_opened(age: Age) -> None:
    content = encrypted('{"apiVersion": "v1", "stringData": {"a": "b"}}', age, sort="json")
    [plain] = opened(content, age.environment, path="a/secret.json")
    assert plain["stringData"] == {"a": "b"}


def test_all_documents_of_a_file_are_opened(age: Age) -> None:
    content = encrypted(f"{secret('one', 'web')}---\n{secret('two', 'web', 'other')}", age)
    found = opened(content, age.environment, several=True)
    assert [plain["stringData"]["password"] for plain in found] == [CANARY, "other"]


def test_missing_key_is_named_with_its_kind(age: Age, pgp: Pgp, nobody: dict[str, str]) -> None:
    error = refusal(encrypted(secret("db", "web"), age, pgp), nobody)
    assert error.code == "sops-key"
    assert f"age {age.recipient}" in error.message
    assert f"PGP {pgp.fingerprint}" in error.message


def test_wrong_key_does_not_open(age: Age, tmp_path: Path) -> None:
    other = Age.made(tmp_path / "other.txt")
    assert refusal(encrypted(secret("db", "web"), age), other.environment).code == "sops-key"


@pytest.mark.parametrize(
    ("old", "new"),
    [("  name: db", "  name: other"), ("ENC[AES256_GCM,data:", "ENC[AES256_GCM,data:AAAA")],
    ids=["name", "value"],
)
def test_changed_file_is_told(age: Age, old: str, new: str) -> None:
    error = refusal(encrypted(secret("db", "web"), age).replace(old, new, 1), age.environment)
    assert error.code in ("sops-changed", "sops-failed")


def test_missing_sops_is_told_with_how_to_get_it(age: Age, tmp_path: Path) -> None:
    keys = {**age.environment, "PATH": str(tmp_path), "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    error = refusal(encrypted(secret("db", "web"), age), keys)
    assert error.code == "no-program"
    assert "install sops" in error.hint


def test_file_cannot_send_sops_to_an_address_with_our_credentials(age: Age, tmp_path: Path) -> None:
    """A file names the vault that shall open it; sops must not take a token of ours there."""
    (tmp_path / ".vault-token").write_text(CANARY)
    keys = {"HOME": str(tmp_path), "VAULT_TOKEN": CANARY, "AWS_SECRET_ACCESS_KEY": CANARY}
    seen = sops._environment(environment(keys))
    assert CANARY not in seen.values()
    assert seen["HOME"] != str(tmp_path)
