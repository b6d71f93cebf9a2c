"""Keys of age and PGP that a test makes, and files that the real sops encrypts for them."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.plugins.fleet import tool

CANARY = "canary-of-the-plaintext-5d1e"


def secret(name: str, namespace: str, value: str = CANARY) -> str:
    """A Secret with one text, as YAML."""
    return (
        f"# who changes this tells the others\napiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n"
        f"  namespace: {namespace}\nstringData:\n  password: {value}\n  port: '0012'\n"
    )


@dataclass(frozen=True)
class Age:
    """A new age key."""

    file: Path

    @classmethod
    def made(cls, file: Path) -> Age:
        subprocess.run([tool("age-keygen"), "-o", file], check=True, capture_output=True)
        return cls(file)

    @property
    def recipient(self) -> str:
        return re.findall(r"age1\w+", self.file.read_text())[0]

    @property
    def environment(self) -> dict[str, str]:
        return {"SOPS_AGE_KEY_FILE": str(self.file)}

    @property
    def option(self) -> list[str]:
        return ["--age", self.recipient]


@dataclass(frozen=True)
class Pgp:
    """A new PGP key without a passphrase, in a keyring of its own."""

    home: Path

    @classmethod
    def made(cls, home: Path) -> Pgp:
        home.mkdir(mode=0o700)
        made = cls(home)
        made.gpg("--quick-generate-key", "--passphrase", "", "test@example.org", "rsa2048", "encrypt", "never")
        return made

    def gpg(self, *arguments: str) -> str:
        command = ["gpg", "--batch", "--homedir", str(self.home), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def end(self) -> None:
        """End the agent that gpg started for this keyring."""
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], check=True)

    @property
    def fingerprint(self) -> str:
        return re.findall(r"^fpr:+([0-9A-F]+):", self.gpg("--list-keys", "--with-colons"), re.MULTILINE)[0]

    @property
    def environment(self) -> dict[str, str]:
        return {"GNUPGHOME": str(self.home)}

    @property
    def option(self) -> list[str]:
        return ["--pgp", self.fingerprint]


def encrypted(text: str, *keys: Age | Pgp, regex: str = "^(data|stringData)$", sort: str = "yaml") -> str:
    """What `sops encrypt` makes of a text."""
    options = [option for key in keys for option in key.option]
    environment = {name: value for key in keys for name, value in key.environment.items()}
    command = [tool("sops"), "encrypt", "--input-type", sort, "--output-type", sort, *options]
    command += ["--encrypted-regex", regex, "--filename-override", f"file.{sort}"]
    env = {**os.environ, **environment}
    return subprocess.run(command, input=text, check=True, capture_output=True, text=True, env=env).stdout
