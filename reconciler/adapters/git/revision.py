"""Which commit of a repo is meant: the default branch, a branch, a tag, or a commit by its id."""

import difflib
import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from reconciler.model.errors import UsageError
from reconciler.model.objects import CommitId

_FULL = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ABBREVIATED = re.compile(r"[0-9a-f]{7,64}")
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|[/.]$|^[-/.]|^@$")


class Advertised(msgspec.Struct, frozen=True):
    """What a remote offered, as far as it was asked: refs by full name, tags peeled to their commits."""

    refs: Mapping[str, CommitId]
    default: str | None = None
    """The branch that HEAD names, as a full ref; known when HEAD was asked for."""


class Revision(msgspec.Struct, frozen=True):
    """What the user asked for."""

    kind: Literal["head", "branch", "tag", "commit"] = "head"
    name: str = ""

    @property
    def ref(self) -> str | None:
        """The full ref; None for a commit."""
        match self.kind:
            case "head":
                return "HEAD"
            case "branch":
                return branch_ref(self.name)
            case "tag":
                return f"refs/tags/{_valid(self.name)}"
            case "commit":
                return None

    @property
    def commit(self) -> CommitId | None:
        """The id, when it was given in full."""
        return CommitId(self.name.lower()) if self.kind == "commit" and _FULL.fullmatch(self.name.lower()) else None

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" if self.name else "the default branch"


def branch_ref(name: str) -> str:
    """The full ref of a branch; UsageError when git would not take the name."""
    return f"refs/heads/{_valid(name.removeprefix('refs/heads/'))}"


def commit_revision(text: str) -> Revision:
    """A commit by its id, full or abbreviated to seven digits or more."""
    if not _ABBREVIATED.fullmatch(text.lower()):
        raise UsageError("bad-commit", f"{text!r} is no commit id", "give 7 to 40 hexadecimal digits")
    return Revision("commit", text.lower())


def _valid(name: str) -> str:
    if not name or _BAD_REF.search(name):
        raise UsageError("bad-ref", f"{name!r} is no name that a branch or tag can have")
    return name


def missing(wanted: Revision, names: Mapping[str, CommitId], where: str) -> UsageError:
    """The error of a branch or tag that is not there, with names that are near."""
    if not names:
        return UsageError("no-commit", f"{where} has no commit yet", "commit and push something first")
    known = [name.split("/", 2)[2] for name in names if name.count("/") >= 2]
    near = difflib.get_close_matches(wanted.name, known, n=3)
    hint = f"near: {', '.join(near)}" if near else ""
    return UsageError("no-such-ref", f"{where} has no {wanted}", hint)
