"""fleet.yaml: read strictly, and nothing secret of it is ever repeated."""

import pytest

from reconciler.source.settings import read_settings


def told(content: str) -> list[str]:
    settings, problems = read_settings(content.encode())
    assert settings is None
    return [f"{found.rule} {found.line}:{found.column}" for found in problems]


def test_smallest_settings_are_a_name() -> None:
    settings, problems = read_settings(b"fleet: demo\n")
    assert settings is not None
    assert (settings.fleet, settings.delivery.to, problems) == ("demo", "directory", ())


@pytest.mark.parametrize(
    ("content", "rules"),
    [
        ("", ["missing-field 1:1"]),
        ("fleet: a\n---\nfleet: b\n", ["wrong-value 3:1"]),
        ("- fleet\n", ["wrong-value 1:1"]),
        ("fleet: a\nfleet: b\n", ["yaml-duplicate-key 2:1"]),
        ("fleet: a\nroot: [x]\n", ["unknown-field 2:1"]),
        ("fleet: a\ndelivery:\n  branches: {prefx: b/}\n", ["unknown-field 3:14"]),
        ("fleet: a\nroots: [/etc]\n", ["settings-path 2:9"]),
        ("fleet: a\nroots: []\n", ["settings-path 2:1"]),
        ("fleet: a\nstatus: {branch: a..b}\n", ["settings-branch 2:10"]),
        ("fleet: a\nclusters: {from: parent}\n", ["settings-parent 2:12"]),
        ("fleet: a\nclusters: {access: {x: {}}}\n", ["settings-access 2:21"]),
    ],
)
def test_mistake_has_rule_and_position(content: str, rules: list[str]) -> None:
    assert told(content) == rules


def test_absent_file_says_how_to_begin() -> None:
    settings, (found,) = read_settings(None)
    assert settings is None
    assert found.rule == "no-settings"
    assert "reconciler init" in found.hint


@pytest.mark.parametrize(
    "content",
    [
        "fleet: a\nstatus: {repo: 'https://me:hunter2@host/x'}\n",
        "fleet: a\nsignatures: {ssh: ['-----BEGIN OPENSSH PRIVATE KEY----- hunter2']}\n",
        "fleet: a\nsignatures: {gpg: ['-----BEGIN PGP PRIVATE KEY BLOCK----- hunter2']}\n",
        "fleet: a\npassword: hunter2\n",
        "fleet: a\nsignatures: {ssh: hunter2}\n",
        "fleet: a\nstatus: {repo: [hunter2]}\n",
    ],
)
def test_credential_is_refused_and_never_repeated(content: str) -> None:
    settings, problems = read_settings(content.encode())
    assert settings is None
    assert "hunter2" not in repr(problems)
