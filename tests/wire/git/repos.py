"""Real repos for tests, made with git itself: a bare origin and a work tree that pushes to it."""

import subprocess
from pathlib import Path


def git(at: Path, *arguments: str, input: bytes | None = None) -> str:
    """The output of git in a directory; the test fails with git's words when git does."""
    done = subprocess.run(["git", *arguments], cwd=at, input=input, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr.decode()}"
    return done.stdout.decode(errors="surrogateescape").strip()


class Origin:
    """A bare repo, and a work tree beside it from which commits are pushed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "origin.git"
        self.work = folder / "work"
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.path))
        git(folder, "init", "--quiet", "--initial-branch=main", str(self.work))
        git(self.work, "remote", "add", "origin", str(self.path))

    def write(self, files: dict[str, str | bytes | None]) -> None:
        for name, content in files.items():
            target = self.work / name
            if content is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, files: dict[str, str | bytes | None], message: str = "change", *options: str) -> str:
        """Commit and push to the current branch; the id of the commit."""
        self.write(files)
        git(self.work, "add", "--all")
        git(self.work, "commit", "--quiet", "--allow-empty", f"--message={message}", *options)
        git(self.work, "push", "--quiet", "--force", "origin", "HEAD")
        return git(self.work, "rev-parse", "HEAD")

    def show(self, ref: str, path: str) -> str:
        return git(self.path, "show", f"{ref}:{path}")

    def log(self, ref: str, form: str = "%H") -> list[str]:
        return git(self.path, "log", f"--format={form}", ref).splitlines()
