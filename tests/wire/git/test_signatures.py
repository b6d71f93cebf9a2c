"""Commits are trusted for who signed them, with real ssh-keygen and gpg; all else is refused with its reason."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.adapters.git.mirror import Mirror
from reconciler.adapters.git.signatures import verify
from reconciler.model.errors import Untrusted, UsageError
from reconciler.model.objects import CommitId
from reconciler.model.settings import Signatures
from tests.wire.git.conftest import MakeMirror
from tests.wire.git.repos import Origin, git
from tests.wire.git.servers import keygen

SSH_SIGN = ("-c", "gpg.format=ssh")


def commit_signed(origin: Origin, *config: str, files: str = "a") -> CommitId:
    origin.write({"a.yaml": files})
    git(origin.work, "add", "--all")
    git(origin.work, *config, "commit", "--quiet", "--allow-empty", "--message=signed", "--gpg-sign")
    git(origin.work, "push", "--quiet", "--force", "origin", "HEAD")
    return CommitId(git(origin.work, "rev-parse", "HEAD"))


def commit_ssh(origin: Origin, key: Path) -> CommitId:
    return commit_signed(origin, *SSH_SIGN, "-c", f"user.signingKey={key}")


async def fetched(mirror: Mirror, commit: CommitId) -> Mirror:
    await mirror.fetch({"HEAD": commit})
    return mirror


def public(key: Path) -> str:
    return key.with_suffix(".pub").read_text()


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return keygen(tmp_path / "ann", "ann@example.com")


async def test_an_ssh_signature_of_a_named_key_is_trusted(
    origin: Origin, mirror_of: MakeMirror, key: Path, tmp_path: Path
) -> None:
    commit = commit_ssh(origin, key)
    mirror = await fetched(mirror_of(origin.path), commit)
    other = public(keygen(tmp_path / "other", "other@example.com"))
    assert await verify(mirror, commit, Signatures(ssh=(other, public(key)))) == "ann@example.com"


async def test_an_unsigned_commit_is_refused(origin: Origin, mirror_of: MakeMirror, key: Path) -> None:
    commit = CommitId(origin.commit({"a.yaml": "a"}, "gpgsig -----BEGIN SSH SIGNATURE-----\n\ngpgsig x"))
    mirror = await fetched(mirror_of(origin.path), commit)
    with pytest.raises(Untrusted, match="not signed"):
        await verify(mirror, commit, Signatures(ssh=(public(key),)))


async def test_a_key_that_nobody_named_is_refused(
    origin: Origin, mirror_of: MakeMirror, key: Path, tmp_path: Path
) -> None:
    commit = commit_ssh(origin, key)
    mirror = await fetched(mirror_of(origin.path), commit)
    with pytest.raises(Untrusted, match="the key is unknown"):
        await verify(mirror, commit, Signatures(ssh=(public(keygen(tmp_path / "other")),)))
    with pytest.raises(Untrusted, match="no SSH key is trusted"):
        await verify(mirror, commit, Signatures())


async def test_a_users_own_list_of_signers_is_not_asked(
    origin: Origin, mirror_of: MakeMirror, key: Path, bare_user: Path, tmp_path: Path
) -> None:
    commit = commit_ssh(origin, key)
    signers = tmp_path / "signers"
    signers.write_text(f"* {public(key)}")
    with (bare_user / ".gitconfig").open("a") as config:
        config.write(f'[gpg "ssh"]\n\tallowedSignersFile = {signers}\n\tprogram = true\n')
    mirror = await fetched(mirror_of(origin.path), commit)
    with pytest.raises(Untrusted, match="the key is unknown"):
        await verify(mirror, commit, Signatures(ssh=(public(keygen(tmp_path / "other")),)))


async def forged(origin: Origin, mirror: Mirror, signed: CommitId) -> CommitId:
    """A commit with the signature of another one and a tree of its own."""
    origin.commit({"a.yaml": "evil"})
    tree = git(origin.work, "rev-parse", "HEAD^{tree}")
    content = git(origin.work, "cat-file", "commit", signed)
    lines = [f"tree {tree}" if line.startswith("tree ") else line for line in content.split("\n")]
    made = git(origin.work, "hash-object", "-t", "commit", "-w", "--stdin", input=("\n".join(lines) + "\n").encode())
    git(origin.work, "push", "--quiet", "--force", "origin", f"{made}:refs/heads/main")
    await mirror.fetch({"HEAD": CommitId(made)})
    return CommitId(made)


async def test_a_signature_of_another_content_is_refused(origin: Origin, mirror_of: MakeMirror, key: Path) -> None:
    mirror = mirror_of(origin.path)
    commit = await forged(origin, mirror, commit_ssh(origin, key))
    with pytest.raises(Untrusted, match="does not fit the commit"):
        await verify(mirror, commit, Signatures(ssh=(public(key),)))


@pytest.mark.parametrize(
    "text", ["ssh-ed25519", "garbage", "* ssh-ed25519 AAAA", "ssh-ed25519 AAAA\nssh-rsa BBBB", "ssh-dss AA x"]
)
async def test_a_key_that_is_none_is_a_usage_error(origin: Origin, mirror_of: MakeMirror, key: Path, text: str) -> None:
    commit = commit_ssh(origin, key)
    mirror = await fetched(mirror_of(origin.path), commit)
    with pytest.raises(UsageError, match=r"signatures.ssh\[0\]"):
        await verify(mirror, commit, Signatures(ssh=(text,)))


@dataclass(frozen=True)
class Gpg:
    """A keyring of a test; short, because gpg's agent listens on a socket in it."""

    home: Path

    def run(self, *arguments: str, input: str = "") -> str:
        command = ["gpg", "--homedir", str(self.home), "--batch", "--no-tty", "--quiet", "--pinentry-mode=loopback"]
        done = subprocess.run([*command, *arguments], input=input, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def make(self, who: str, expires: str = "never") -> str:
        self.run("--passphrase", "", "--quick-generate-key", who, "ed25519", "sign", expires)
        listed = self.run("--list-keys", "--with-colons", who)
        return next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))

    def public(self, fingerprint: str) -> str:
        return self.run("--armor", "--export", fingerprint)


@pytest.fixture
def gpg(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gpg]:
    with tempfile.TemporaryDirectory(prefix="gpg-") as home:
        os.chmod(home, 0o700)
        monkeypatch.setenv("GNUPGHOME", home)
        yield Gpg(Path(home))
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)


@pytest.mark.needs_tool("gpg")
async def test_a_gpg_signature_of_a_named_key_is_trusted_and_no_other(
    origin: Origin, mirror_of: MakeMirror, gpg: Gpg
) -> None:
    ann, eve = gpg.make("Ann <ann@example.com>"), gpg.make("Eve <eve@example.com>")
    commit = commit_signed(origin, "-c", f"user.signingKey={ann}")
    mirror = await fetched(mirror_of(origin.path), commit)
    assert await verify(mirror, commit, Signatures(gpg=(gpg.public(eve), gpg.public(ann)))) == "Ann <ann@example.com>"
    with pytest.raises(Untrusted, match="the key is unknown"):
        await verify(mirror, commit, Signatures(gpg=(gpg.public(eve),)))
    with pytest.raises(Untrusted, match="no GPG key is trusted"):
        await verify(mirror, commit, Signatures())


@pytest.mark.needs_tool("gpg")
async def test_a_gpg_signature_of_another_content_is_refused(origin: Origin, mirror_of: MakeMirror, gpg: Gpg) -> None:
    ann = gpg.make("Ann <ann@example.com>")
    mirror = mirror_of(origin.path)
    commit = await forged(origin, mirror, commit_signed(origin, "-c", f"user.signingKey={ann}"))
    with pytest.raises(Untrusted, match="does not fit the commit"):
        await verify(mirror, commit, Signatures(gpg=(gpg.public(ann),)))


@pytest.mark.needs_tool("gpg")
async def test_a_key_that_has_expired_is_refused(origin: Origin, mirror_of: MakeMirror, gpg: Gpg) -> None:
    options = ("--faked-system-time", "20200101T000000!")
    gpg.run(*options, "--passphrase", "", "--quick-generate-key", "Old <old@example.com>", "ed25519", "sign", "1d")
    old = next(
        line.split(":")[9]
        for line in gpg.run("--list-keys", "--with-colons", "old@example.com").splitlines()
        if line.startswith("fpr:")
    )
    wrapper = gpg.home / "gpg-then"
    wrapper.write_text('#!/bin/sh\nexec gpg --faked-system-time "20200101T010000!" "$@"\n')
    wrapper.chmod(0o755)
    commit = commit_signed(origin, "-c", f"user.signingKey={old}", "-c", f"gpg.program={wrapper}")
    mirror = await fetched(mirror_of(origin.path), commit)
    with pytest.raises(Untrusted, match="expired"):
        await verify(mirror, commit, Signatures(gpg=(gpg.public(old),)))


@pytest.mark.needs_tool("gpg")
async def test_a_check_leaves_nothing_behind(
    origin: Origin, mirror_of: MakeMirror, gpg: Gpg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = gpg.make("Ann <ann@example.com>")
    commit = commit_signed(origin, "-c", f"user.signingKey={ann}")
    mirror = await fetched(mirror_of(origin.path), commit)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    await verify(mirror, commit, Signatures(gpg=(gpg.public(ann),)))
    assert not list(scratch.iterdir())
