"""Merging contexts into a kubeconfig that belongs to somebody else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from localfleet import kubeconfigs
from localfleet.failures import UsageError
from localfleet.kubeconfigs import Access

FOREIGN = """\
apiVersion: v1
kind: Config
preferences: {}
clusters:
- {name: prod, cluster: {server: "https://prod.example", insecure-skip-tls-verify: true}}
users:
- name: me
  user: {token: 0755, exec: {apiVersion: client.authentication.k8s.io/v1, command: login, args: ["on", 2026-01-02]}}
contexts:
- {name: prod, context: {cluster: prod, user: me, namespace: team-a}}
current-context: prod
extensions: [{name: theirs, extension: {kept: yes}}]
"""


def _access(context: str, owner: str, server: str = "https://127.0.0.1:1") -> Access:
    return Access(context, owner, server, b"ca", b"certificate", b"key")


FLEET = [_access("parent", "default-parent"), _access("child1", "default-child1")]


def _contexts(text: str) -> list[str]:
    return [context["name"] for context in yaml.safe_load(text)["contexts"]]


def test_foreign_entries_keep_their_text() -> None:
    merged = kubeconfigs.merged_text(FOREIGN, FLEET, "config")
    assert _contexts(merged) == ["prod", "parent", "child1"]
    for kept in ("token: 0755", '"on", 2026-01-02', "kept: yes", "current-context: prod", "namespace: team-a"):
        assert kept in merged


def test_removing_gives_back_what_was_there_before() -> None:
    merged = kubeconfigs.merged_text(FOREIGN, FLEET, "config")
    rest = kubeconfigs.removed_text(merged, {access.entry for access in FLEET})
    assert rest is not None
    assert yaml.compose(rest) is not None
    assert yaml.safe_load(rest) == yaml.safe_load(FOREIGN)


def test_merging_twice_changes_nothing() -> None:
    once = kubeconfigs.merged_text(FOREIGN, FLEET, "config")
    assert kubeconfigs.merged_text(once, FLEET, "config") == once


def test_moved_server_replaces_the_entry() -> None:
    once = kubeconfigs.merged_text(FOREIGN, FLEET, "config")
    moved = kubeconfigs.merged_text(once, [_access("parent", "default-parent", "https://127.0.0.1:2")], "config")
    servers = {entry["name"]: entry["cluster"]["server"] for entry in yaml.safe_load(moved)["clusters"]}
    assert servers["localfleet-default-parent"] == "https://127.0.0.1:2"
    assert len(servers) == 3


def test_context_of_somebody_else_is_refused() -> None:
    theirs = FOREIGN.replace("{name: prod, context", "{name: parent, context")
    with pytest.raises(UsageError, match=r"'parent' that is not of this fleet.*--name.*--kubeconfig"):
        kubeconfigs.merged_text(theirs, FLEET, "config")


def test_two_fleets_share_a_file() -> None:
    both = kubeconfigs.merged_text(FOREIGN, [*FLEET, _access("other-parent", "other-parent")], "config")
    rest = kubeconfigs.removed_text(both, {access.entry for access in FLEET})
    assert rest is not None
    assert _contexts(rest) == ["prod", "other-parent"]


def test_own_current_context_is_unset_on_removal(tmp_path: Path) -> None:
    file = tmp_path / "config"
    kubeconfigs.merge(file, [*FLEET, _access("other-parent", "other-parent")])
    assert yaml.safe_load(file.read_text())["current-context"] == "parent"
    kubeconfigs.remove(file, ["default-parent", "default-child1"])
    assert yaml.safe_load(file.read_text())["current-context"] == ""


def test_file_without_anybodys_context_is_removed(tmp_path: Path) -> None:
    file = tmp_path / "config"
    kubeconfigs.merge(file, FLEET)
    assert file.stat().st_mode & 0o777 == 0o600
    kubeconfigs.remove(file, ["default-parent", "default-child1"])
    assert list(tmp_path.iterdir()) == []


def test_json_and_empty_lists_are_read() -> None:
    as_json = json.dumps({"apiVersion": "v1", "kind": "Config", "clusters": None, "users": [], "contexts": []})
    assert _contexts(kubeconfigs.merged_text(as_json, FLEET, "config")) == ["parent", "child1"]


def test_what_is_no_kubeconfig_is_refused_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("- just\n- a list\n")
    with pytest.raises(UsageError, match="is not a kubeconfig"):
        kubeconfigs.merge(file, FLEET)
    assert file.read_text() == "- just\n- a list\n"
    assert [path.name for path in tmp_path.iterdir()] == ["config"]
