"""Exec plugins: when they are run, what they are told, and what they may answer."""

from __future__ import annotations

import asyncio
import datetime
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters import clock
from reconciler.adapters.kube import plugins
from reconciler.adapters.kube.authorized import Authorized
from reconciler.adapters.kube.connection import ExecPlugin
from reconciler.adapters.kube.transport import wished
from reconciler.model.errors import Untrusted

V1 = "client.authentication.k8s.io/v1"
NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
LATER = (clock.now() + datetime.timedelta(hours=1)).isoformat()


def plugin(at: Path, status: dict[str, Any], version: str = V1, **spec: Any) -> ExecPlugin:
    """A plugin that counts its runs and keeps what it was told; {N} in its answer is the number of the run."""
    answer = json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status})
    program = at / "login"
    program.write_text(
        f"#!/bin/sh\nprintf x >> {at}/runs\nprintf '%s' \"$KUBERNETES_EXEC_INFO\" > {at}/told\n"
        f"printf '%s' \"$ROLE\" > {at}/role\nN=$(wc -c < {at}/runs | tr -d ' ')\n"
        f"sed \"s/{{N}}/$N/\" <<'E'\n{answer}\nE\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    cluster = {"server": "https://it", "certificate-authority-data": "YQ=="}
    return ExecPlugin({"apiVersion": V1, "command": str(program), **spec}, {"PATH": "/usr/bin:/bin"}, cluster)


def asked(one: ExecPlugin, times: int, *, refused: bool = False) -> list[Authorized]:
    async def main() -> list[Authorized]:
        found = [await plugins.ask(one) for _ in range(times)]
        return [*found, *([await plugins.ask(one, found[-1])] if refused else [])]

    return asyncio.run(main())


def runs(at: Path) -> int:
    return len((at / "runs").read_text())


@pytest.mark.parametrize("more", [{}, {"expirationTimestamp": LATER}], ids=["no end", "an end"])
def test_answer_is_believed_until_it_expires(tmp_path: Path, more: dict[str, Any]) -> None:
    found = asked(plugin(tmp_path, {"token": "t{N}", **more}), 3)
    assert ([one.header for one in found], runs(tmp_path)) == (["Bearer t1"] * 3, 1)


def test_many_who_ask_at_once_run_it_once(tmp_path: Path) -> None:
    one = plugin(tmp_path, {"token": "t{N}"})

    async def main() -> None:
        await asyncio.gather(*(plugins.ask(one) for _ in range(20)))

    asyncio.run(main())
    assert runs(tmp_path) == 1


def test_refused_answer_is_asked_for_again(tmp_path: Path) -> None:
    found = asked(plugin(tmp_path, {"token": "t{N}"}), 1, refused=True)
    assert [one.header for one in found] == ["Bearer t1", "Bearer t2"]


@pytest.mark.parametrize(("end", "most"), [(LATER, 3600), ("2020-01-01T00:00:00Z", 1)], ids=["to come", "over"])
def test_lifetime_ends_with_the_expiration(tmp_path: Path, end: str, most: int) -> None:
    (found,) = asked(plugin(tmp_path, {"token": "t", "expirationTimestamp": end}), 1)
    assert most * 0.9 < found.lifetime <= most


@pytest.mark.parametrize("wants", [True, False])
def test_plugin_is_told_of_its_cluster_only_where_it_asks(tmp_path: Path, wants: bool) -> None:
    asked(plugin(tmp_path, {"token": "t"}, provideClusterInfo=wants), 1)
    told = json.loads((tmp_path / "told").read_text())
    assert told["spec"]["interactive"] is False
    assert told["spec"].get("cluster", {}).get("server") == ("https://it" if wants else None)


def test_plugin_gets_the_variables_of_the_kubeconfig(tmp_path: Path) -> None:
    asked(plugin(tmp_path, {"token": "t"}, env=[{"name": "ROLE", "value": "deployer"}]), 1)
    assert (tmp_path / "role").read_text() == "deployer"


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "neither token nor certificate": ({}, V1),
    "certificate without a key": ({"clientCertificateData": "x"}, V1),
    "another version": ({"token": "canary"}, "client.authentication.k8s.io/v1beta1"),
    "token that is none": ({"token": {"canary": 1}}, V1),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_answer_is_untrusted_and_not_shown(tmp_path: Path, case: str) -> None:
    with pytest.raises(Untrusted) as raised:
        asked(plugin(tmp_path, *WRONG[case]), 1)
    assert "canary" not in raised.value.message


WISHES = [
    ("7", 7.0),
    ("Thu, 01 Jan 2026 12:00:30 GMT", 30.0),
    ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
    ("soon", 0.0),
    ("-3", 0.0),
    ("", 0.0),
]


@pytest.mark.parametrize(("text", "seconds"), WISHES)
def test_retry_after_is_a_number_or_a_date(text: str, seconds: float) -> None:
    assert wished(text, NOON) == seconds
