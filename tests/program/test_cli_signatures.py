"""Commits must be signed by the keys that the last good commit names; an untrusted one changes nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.program.template import PROD_IMAGE, TemplateRepo

pytestmark = [pytest.mark.needs_tool("ssh-keygen"), pytest.mark.needs_tool("gpg")]


@dataclass(frozen=True)
class SshKey:
    """A key pair, and what git needs to sign with it."""

    path: Path

    @property
    def public(self) -> str:
        return self.path.with_suffix(".pub").read_text().strip()

    def sign_with(self, repo: TemplateRepo) -> None:
        repo.git("config", "gpg.format", "ssh")
        repo.git("config", "user.signingkey", str(self.path))
        repo.git("config", "commit.gpgsign", "true")


def ssh_key(path: Path) -> SshKey:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{path.name}@example.org", "-f", str(path)]
    subprocess.run(command, check=True)
    return SshKey(path)


@dataclass(frozen=True)
class GpgKey:
    """A secret key in a keyring of its own."""

    home: Path

    @property
    def public(self) -> str:
        return self.gpg("--armor", "--export")

    def gpg(self, *arguments: str) -> str:
        command = ["gpg", "--batch", "--homedir", str(self.home), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def gpg_key(monkeypatch: pytest.MonkeyPatch) -> Iterator[GpgKey]:
    """A key; its home is short because gpg's agent listens on a socket in it."""
    home = Path(f"/tmp/reconciler-gpg-{os.getpid()}")
    home.mkdir(mode=0o700)
    key = GpgKey(home)
    key.gpg("--passphrase", "", "--quick-generate-key", "author <author@example.org>", "ed25519", "sign", "never")
    monkeypatch.setenv("GNUPGHOME", str(home))
    yield key
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)
    shutil.rmtree(home)


def trusting(repo: TemplateRepo, *, ssh: list[str] | None = None, gpg: list[str] | None = None) -> dict[str, str]:
    """`fleet.yaml` with these keys."""
    lines = repo.text("fleet.yaml").partition("\nsignatures:")[0].rstrip("\n") + "\nsignatures:\n"
    lines += "".join(f"  ssh: [{', '.join(ssh)}]\n" if ssh else "")
    for number, key in enumerate(gpg or []):
        lines += ("  gpg:\n" if number == 0 else "") + "  - |\n" + "".join(f"    {x}\n" for x in key.splitlines())
    return {"fleet.yaml": lines}


def refused(repo: TemplateRepo, why: str) -> None:
    """A sync is refused for this reason, and everything stays as it is."""
    before, status = repo.rendered(), repo.git("ls-remote", "origin", "reconciler-status")
    done = repo.run("sync", "--once")
    assert (done.code, done.stdout) == (7, "")
    assert why in done.stderr
    assert "Traceback" not in done.stderr
    assert repo.rendered() == before
    assert repo.git("ls-remote", "origin", "reconciler-status") == status


def test_commits_are_trusted_by_the_ssh_keys_of_the_last_good_one(fleet_repo: TemplateRepo, tmp_path: Path) -> None:
    ours, theirs = ssh_key(tmp_path / "ours"), ssh_key(tmp_path / "theirs")
    ours.sign_with(fleet_repo)
    fleet_repo.commit(trusting(fleet_repo, ssh=[ours.public]))
    fleet_repo.sync()

    fleet_repo.git("config", "commit.gpgsign", "false")
    fleet_repo.change(PROD_IMAGE, "1.27.5", "6.6.6")
    refused(fleet_repo, "is not signed")

    theirs.sign_with(fleet_repo)
    fleet_repo.commit(trusting(fleet_repo, ssh=[theirs.public]))
    refused(fleet_repo, "the key is unknown")
    shutil.rmtree(fleet_repo.cache)
    refused(fleet_repo, "the key is unknown")

    ours.sign_with(fleet_repo)
    fleet_repo.commit(trusting(fleet_repo, ssh=[ours.public, theirs.public]))
    assert fleet_repo.sync().report["clusters"][1]["changed"] == 1
    theirs.sign_with(fleet_repo)
    fleet_repo.change(PROD_IMAGE, "6.6.6", "1.28.0")
    fleet_repo.sync()


def test_keys_are_handed_on_by_trusted_commits_that_change_no_object_or_are_never_seen_alone(
    fleet_repo: TemplateRepo, tmp_path: Path
) -> None:
    first, second, third = (ssh_key(tmp_path / name) for name in ("first", "second", "third"))
    first.sign_with(fleet_repo)
    fleet_repo.commit(trusting(fleet_repo, ssh=[first.public]))
    fleet_repo.sync()
    fleet_repo.commit(trusting(fleet_repo, ssh=[second.public]))
    fleet_repo.sync()

    shutil.rmtree(fleet_repo.cache)
    second.sign_with(fleet_repo)
    fleet_repo.commit(trusting(fleet_repo, ssh=[third.public]))
    fleet_repo.change(PROD_IMAGE, "1.27.5", "1.28.0")
    refused(fleet_repo, "the key is unknown")

    third.sign_with(fleet_repo)
    fleet_repo.change(PROD_IMAGE, "1.28.0", "1.29.0")
    fleet_repo.sync()


def test_keys_of_the_operator_hold_where_no_earlier_run_is_remembered(fleet_repo: TemplateRepo, tmp_path: Path) -> None:
    ours = ssh_key(tmp_path / "ours")
    (tmp_path / "trusted").write_text(f"# who may deliver\n{ours.public}\n")
    trusted = ("--trusted-keys", str(tmp_path / "trusted"))
    ours.sign_with(fleet_repo)
    fleet_repo.commit(trusting(fleet_repo, ssh=[ours.public]))
    fleet_repo.sync(*trusted)

    shutil.rmtree(fleet_repo.cache)
    fleet_repo.git("config", "commit.gpgsign", "false")
    other = fleet_repo.text("fleet.yaml").partition("\nsignatures:")[0] + "\n"
    fleet_repo.commit({"fleet.yaml": other.replace("branch: reconciler-status", "branch: elsewhere")})
    done = fleet_repo.run("sync", "--once", *trusted)
    assert (done.code, "is not signed" in done.stderr) == (7, True)


def test_file_of_trusted_keys_without_a_key_is_refused(fleet_repo: TemplateRepo, tmp_path: Path) -> None:
    (tmp_path / "trusted").write_text("# none yet\n")
    done = fleet_repo.run("sync", "--once", "--trusted-keys", str(tmp_path / "trusted"))
    assert (done.code, "holds none" in done.stderr) == (2, True)


def test_digest_that_nothing_is_held_by_is_told(fleet_repo: TemplateRepo) -> None:
    done = fleet_repo.run("sync", "--once", "--acknowledge", "0" * 40)
    assert (done.code, "nothing with this digest is held" in done.stderr) == (0, True)


def test_rewritten_history_is_refused(fleet_repo: TemplateRepo, tmp_path: Path) -> None:
    ours = ssh_key(tmp_path / "ours")
    ours.sign_with(fleet_repo)
    fleet_repo.commit(trusting(fleet_repo, ssh=[ours.public]))
    fleet_repo.change(PROD_IMAGE, "1.27.5", "1.28.0")
    fleet_repo.sync()
    fleet_repo.git("push", "--quiet", "--force", "origin", "HEAD~1:main")
    refused(fleet_repo, "does not descend")


def test_commits_are_trusted_by_gpg_keys(fleet_repo: TemplateRepo, gpg_key: GpgKey) -> None:
    fleet_repo.git("config", "commit.gpgsign", "true")
    fleet_repo.git("config", "user.signingkey", "author@example.org")
    fleet_repo.commit(trusting(fleet_repo, gpg=[gpg_key.public]))
    fleet_repo.sync()
    fleet_repo.git("config", "commit.gpgsign", "false")
    fleet_repo.change(PROD_IMAGE, "1.27.5", "6.6.6")
    refused(fleet_repo, "is not signed")
    fleet_repo.git("config", "commit.gpgsign", "true")
    fleet_repo.change(PROD_IMAGE, "6.6.6", "1.28.0")
    fleet_repo.sync()


def test_a_first_commit_that_is_not_signed_as_it_asks_itself_is_refused(
    fleet_repo: TemplateRepo, tmp_path: Path
) -> None:
    fleet_repo.commit(trusting(fleet_repo, ssh=[ssh_key(tmp_path / "ours").public]))
    refused(fleet_repo, "is not signed")
    assert not fleet_repo.rendered()
