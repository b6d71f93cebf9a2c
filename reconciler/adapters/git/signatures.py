"""Who signed a commit: GPG and SSH signatures against the keys of the settings, and no others.

Keyring and list of signers are made for one check and thrown away, the user's own configuration is not read, and git's
status lines decide, never its exit code alone.
"""

import asyncio
import re
import shutil
import tempfile
from pathlib import Path

from reconciler.adapters.git.mirror import Mirror
from reconciler.adapters.git.run import Call
from reconciler.model.errors import ToolFailed, Untrusted, UsageError
from reconciler.model.objects import CommitId
from reconciler.model.settings import Signatures

_KEY = re.compile(
    r"(?P<type>ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com|"
    r"sk-ecdsa-sha2-nistp256@openssh\.com) (?P<key>[A-Za-z0-9+/]+=*)( (?P<who>[^\n]*))?"
)
_SSH_GOOD = re.compile(r'^Good "git" signature for (?P<who>\S+) with \S+ key (?P<key>SHA256:\S+)\s*$', re.MULTILINE)
_GPG_STATUS = re.compile(r"^\[GNUPG:\] (?P<word>[A-Z_]+)(?P<rest>.*)$", re.MULTILINE)
_GPG_BAD = {
    "BADSIG": "the signature does not fit the commit",
    "EXPSIG": "the signature has expired",
    "EXPKEYSIG": "the key has expired",
    "REVKEYSIG": "the key was revoked",
    "NO_PUBKEY": "the key is unknown",
    "ERRSIG": "the signature cannot be checked",
}
_ISOLATED = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_COUNT": "0"}
_HINT = "sign commits with a key that fleet.yaml names under signatures"


async def verify(mirror: Mirror, commit: CommitId, keys: Signatures) -> str:
    """Who signed the commit. Untrusted, with the reason, unless one of `keys` did; UsageError for bad keys."""
    (found,) = await mirror.objects.get([commit])
    if found is None or found.kind != "commit":
        raise ToolFailed("git-objects", f"commit {commit[:12]} is missing", "run again")
    header = found.content.partition(b"\n\n")[0]
    signature = next((line for line in header.split(b"\n") if line.startswith((b"gpgsig ", b"gpgsig-sha256 "))), b"")
    if not signature:
        raise _untrusted(commit, "it is not signed")
    home = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="reconciler-keys-"))
    try:
        if b"BEGIN SSH SIGNATURE" in signature:
            return await _verify_ssh(mirror, commit, keys, home)
        if b"BEGIN PGP" in signature:
            return await _verify_gpg(mirror, commit, keys, home)
        raise _untrusted(commit, "its signature is neither of GPG nor of SSH")
    finally:
        await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)


def _untrusted(commit: CommitId, reason: str) -> Untrusted:
    return Untrusted("commit-untrusted", f"commit {commit[:12]} is not trusted: {reason}", _HINT)


async def _raw(mirror: Mirror, commit: CommitId, config: list[str], home: Path) -> tuple[int, str]:
    programs = [
        "gpg.program=gpg",
        "gpg.openpgp.program=gpg",
        "gpg.ssh.program=ssh-keygen",
        "gpg.minTrustLevel=undefined",
    ]
    environment = {**_ISOLATED, "GIT_DIR": str(mirror.directory), "GNUPGHOME": str(home), "HOME": str(home)}
    call = Call(
        ["verify-commit", "--raw", commit], mirror.directory, config=[*programs, *config], environment=environment
    )
    ended = await mirror.door.run(call)
    return ended.status, ended.stderr + ended.stdout.decode(errors="replace")


async def _verify_ssh(mirror: Mirror, commit: CommitId, keys: Signatures, home: Path) -> str:
    if not keys.ssh:
        raise _untrusted(commit, "it is signed with SSH, and no SSH key is trusted")
    signers = home / "signers"
    lines, names = [], []
    for number, text in enumerate(keys.ssh):
        match = _KEY.fullmatch(text.strip())
        if match is None:
            hint = "ssh-ed25519 AAAA… name@host"
            raise UsageError("bad-key", f"signatures.ssh[{number}] is no public key in authorized_keys form", hint)
        lines.append(f'key-{number} namespaces="git" {match["type"]} {match["key"]}\n')
        names.append(match["who"] or f"signatures.ssh[{number}]")
    await asyncio.to_thread(signers.write_text, "".join(lines))
    status, said = await _raw(mirror, commit, [f"gpg.ssh.allowedSignersFile={signers}"], home)
    good = _SSH_GOOD.findall(said)
    if status == 0 and len(good) == 1:
        return names[int(good[0][0].removeprefix("key-"))]
    if "No principal matched" in said or "no principal" in said.lower():
        raise _untrusted(commit, "the key is unknown")
    if "incorrect signature" in said.lower() or "could not verify" in said.lower():
        raise _untrusted(commit, "the signature does not fit the commit")
    raise _untrusted(commit, "the signature cannot be checked")


async def _verify_gpg(mirror: Mirror, commit: CommitId, keys: Signatures, home: Path) -> str:
    if not keys.gpg:
        raise _untrusted(commit, "it is signed with GPG, and no GPG key is trusted")
    await asyncio.to_thread(home.chmod, 0o700)
    options = [
        "--homedir",
        str(home),
        "--batch",
        "--no-tty",
        "--quiet",
        "--no-autostart",
        "--status-fd",
        "1",
        "--import",
    ]
    armoured = "\n".join(keys.gpg).encode()
    imported = await mirror.door.run(Call(options, home, program="gpg", stdin=armoured))
    # Not by the exit status: gpg fails over an agent that it does not need, when the path to its socket is too long.
    if imported.stdout.count(b"[GNUPG:] IMPORT_OK ") < len(keys.gpg):
        raise UsageError("bad-key", "signatures.gpg: gpg cannot import these keys", "gpg --armor --export KEY")
    _, said = await _raw(mirror, commit, [], home)
    words = {match["word"]: match["rest"].strip() for match in _GPG_STATUS.finditer(said)}
    bad = next((reason for word, reason in _GPG_BAD.items() if word in words), None)
    signatures = said.count("[GNUPG:] NEWSIG")
    if bad or signatures != 1 or "GOODSIG" not in words or "VALIDSIG" not in words:
        raise _untrusted(commit, bad or "the signature cannot be checked")
    return words["GOODSIG"].partition(" ")[2]
