"""The ways to a remote: credentials as git has them, refusals without secrets, deadlines, cancellation."""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.adapters.git import run
from reconciler.adapters.git.push import Update, push
from reconciler.adapters.git.remote import parse
from reconciler.model.errors import ReconcilerError, ToolFailed, Unreachable, Untrusted, UsageError
from reconciler.model.objects import CommitId
from tests.wire.git import servers
from tests.wire.git.conftest import MakeMirror
from tests.wire.git.repos import Origin, git


@pytest.fixture
def https(tmp_path: Path, origin: Origin, bare_user: Path) -> Iterator[servers.Https]:
    origin.commit({"a.yaml": "a"})
    git(origin.path, "config", "http.receivepack", "true")
    with servers.https(tmp_path, tmp_path) as server:
        with (bare_user / ".gitconfig").open("a") as config:
            config.write(f"[http]\n\tsslCAInfo = {server.ca}\n")
        yield server


@pytest.fixture
def ssh(tmp_path: Path, origin: Origin) -> Iterator[servers.Ssh]:
    origin.commit({"a.yaml": "a"})
    with servers.sshd(tmp_path) as server:
        yield server


def _give_by_netrc(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".netrc").write_text(f"machine 127.0.0.1 login {servers.USER} password {servers.PASSWORD}\n")


def _give_by_helper(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (home / ".gitconfig").open("a") as config:
        says = f"echo username={servers.USER}; echo password={servers.PASSWORD}"
        config.write(f'[credential]\n\thelper = "!f() {{ {says}; }}; f"\n')


def _give_by_header(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "http.extraHeader")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", f"Authorization: Bearer {servers.PASSWORD}")


@pytest.mark.parametrize("give", [_give_by_netrc, _give_by_helper, _give_by_header])
async def test_https_takes_credentials_where_git_does(
    https: servers.Https, mirror_of: MakeMirror, bare_user: Path, monkeypatch: pytest.MonkeyPatch, give
) -> None:
    give(bare_user, monkeypatch)
    mirror = mirror_of(https.url("origin.git"))
    head = (await mirror.ls_remote(["HEAD"])).refs["HEAD"]
    await mirror.fetch({"HEAD": head})
    assert list((await mirror.tree(head)).files) == ["a.yaml"]
    assert await push(mirror, [Update("refs/heads/new", None, head)]) == {}


async def test_credentials_in_a_url_are_used_and_never_shown(https: servers.Https, mirror_of: MakeMirror) -> None:
    good = mirror_of(https.url("origin.git", f"{servers.USER}:{servers.PASSWORD}"))
    assert (await good.ls_remote(["HEAD"])).refs
    assert servers.PASSWORD not in good.remote.shown
    assert good.remote.slug == mirror_of(https.url("origin.git")).remote.slug
    for repo in ("origin.git", "none.git"):
        bad = mirror_of(https.url(repo, f"{servers.USER}:wrong-{servers.PASSWORD}"))
        with pytest.raises(Untrusted) as told:
            await bad.ls_remote(["HEAD"])
        assert servers.PASSWORD not in told.value.message


async def test_no_credentials_end_at_once_instead_of_asking(https: servers.Https, mirror_of: MakeMirror) -> None:
    with pytest.raises(Untrusted, match="terminal prompts disabled"):
        await mirror_of(https.url("origin.git")).ls_remote(["HEAD"])


async def test_a_certificate_that_nobody_vouches_for_is_untrusted(
    https: servers.Https, mirror_of: MakeMirror, bare_user: Path
) -> None:
    (bare_user / ".gitconfig").write_text("")
    with pytest.raises(Untrusted, match="certificate"):
        await mirror_of(https.url("origin.git")).ls_remote(["HEAD"])


async def test_a_repo_that_is_not_there_is_told_in_the_servers_words(
    https: servers.Https, mirror_of: MakeMirror, bare_user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _give_by_netrc(bare_user, monkeypatch)
    with pytest.raises(ToolFailed, match="not found"):
        await mirror_of(https.url("none.git")).ls_remote(["HEAD"])


async def test_a_host_that_does_not_answer_is_unreachable(mirror_of: MakeMirror) -> None:
    with pytest.raises(Unreachable, match="Failed to connect"):
        await mirror_of("https://127.0.0.1:9/origin.git").ls_remote(["HEAD"])
    with pytest.raises(Unreachable, match="Connection refused"):
        await mirror_of("ssh://git@127.0.0.1:9/origin.git").ls_remote(["HEAD"])


@pytest.mark.needs_tool("sshd")
async def test_ssh_reads_and_writes_with_the_users_command(
    ssh: servers.Ssh, origin: Origin, mirror_of: MakeMirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", ssh.command())
    mirror = mirror_of(ssh.url(origin.path))
    head = (await mirror.ls_remote(["HEAD"])).refs["HEAD"]
    await mirror.fetch({"HEAD": head})
    assert list((await mirror.tree(head)).files) == ["a.yaml"]
    assert await push(mirror, [Update("refs/heads/new", None, head)]) == {}
    assert origin.log("new") == [head]


@pytest.mark.needs_tool("sshd")
async def test_a_key_that_the_host_does_not_know_is_untrusted(
    ssh: servers.Ssh, origin: Origin, mirror_of: MakeMirror, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", ssh.command(key=servers.keygen(tmp_path / "other")))
    with pytest.raises(Untrusted, match="Permission denied"):
        await mirror_of(ssh.url(origin.path)).ls_remote(["HEAD"])


@pytest.mark.needs_tool("sshd")
async def test_a_host_that_we_do_not_know_is_untrusted_without_asking(
    ssh: servers.Ssh, origin: Origin, mirror_of: MakeMirror, bare_user: Path
) -> None:
    with pytest.raises(Untrusted, match="Host key verification failed"):
        await mirror_of(ssh.url(origin.path)).ls_remote(["HEAD"])


async def test_the_users_ssh_command_in_gits_configuration_is_kept(mirror_of: MakeMirror, bare_user: Path) -> None:
    with (bare_user / ".gitconfig").open("a") as config:
        config.write('[core]\n\tsshCommand = "echo my own command >&2; false"\n')
    with pytest.raises(ReconcilerError, match="my own command"):
        await mirror_of("git@127.0.0.1:origin.git").ls_remote(["HEAD"])


@pytest.mark.parametrize(
    "text",
    [
        "ext::sh -c true",
        "fd::17",
        "http://127.0.0.1/a.git",
        "git://127.0.0.1/a",
        "--upload-pack=x",
        "",
        "a\nb",
        "ftp://a/b",
    ],
)
def test_what_is_no_safe_transport_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        parse(text, tmp_path)


@pytest.mark.parametrize(
    ("text", "transport"),
    [("git@host:team/repo.git", "ssh"), ("host:repo", "ssh"), ("ssh://host/x", "ssh"), ("https://u:p@host/x", "https")],
)
def test_urls_say_their_transport(text: str, transport: str, tmp_path: Path) -> None:
    assert parse(text, tmp_path).transport == transport


def test_a_path_is_a_repo_or_tells_where_one_is(origin: Origin, tmp_path: Path) -> None:
    origin.commit({"fleets/a.yaml": "a"})
    assert parse("work", tmp_path).path == origin.work
    assert parse(f"file://{origin.path}", tmp_path).path == origin.path
    with pytest.raises(UsageError) as told:
        parse("work/fleets", tmp_path)
    assert str(origin.work) in told.value.hint
    with pytest.raises(UsageError):
        parse("nowhere", tmp_path)


async def test_a_redirect_to_another_transport_is_refused(
    origin: Origin, mirror_of: MakeMirror, bare_user: Path
) -> None:
    origin.commit({"a.yaml": "a"})
    with (bare_user / ".gitconfig").open("a") as config:
        config.write(f'[url "{origin.path}"]\n\tinsteadOf = https://example.invalid/x.git\n')
    with pytest.raises(ToolFailed, match="not allowed"):
        await mirror_of("https://example.invalid/x.git").ls_remote(["HEAD"])


def _processes_named(word: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if word.encode() in command and str(os.getpid()) != entry.name:
                found.append(command.decode(errors="replace"))
    return found


async def test_a_cancelled_call_ends_within_a_second_with_all_that_it_started(
    mirror_of: MakeMirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "slow-ssh-for-this-test"
    slow.write_text(f"#!/bin/sh\ntrap '' TERM\ntouch {tmp_path / 'started'}\nwhile :; do sleep 0.1; done\n")
    slow.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(slow))
    mirror = mirror_of("ssh://127.0.0.1/x")
    task = asyncio.ensure_future(mirror.ls_remote(["HEAD"]))
    while not (tmp_path / "started").exists():  # noqa: ASYNC110 - another process tells it by a file
        await asyncio.sleep(0.02)
    task.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 1
    for _ in range(50):
        if not _processes_named(str(slow)):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(_processes_named(str(slow)))


async def test_a_deadline_ends_a_call(mirror_of: MakeMirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", "sleep 30 #")
    mirror = mirror_of("ssh://127.0.0.1/x")
    await mirror.make()
    call = run.Call(["ls-remote", mirror.remote.url], mirror.directory, deadline=0.3)
    with pytest.raises(Unreachable, match="no end after"):
        await mirror.door.run(call)


async def test_a_machine_without_git_says_so(
    origin: Origin, mirror_of: MakeMirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = CommitId(origin.commit({"a.yaml": "a"}))
    mirror = mirror_of(origin.path)
    await mirror.fetch({"HEAD": head})
    await mirror.close()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolFailed, match="not installed"):
        await mirror.tree(head)
