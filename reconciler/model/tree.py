"""A tree is a value: path to blob id, the same for a commit, the index or a work tree.

Contents are not part of it. A room that needs the bytes of a blob says which; the Git door fetches those, once.
"""

from collections.abc import Mapping

import msgspec

from reconciler.model.objects import BlobId, CommitId


class Tree(msgspec.Struct, frozen=True):
    """The files of a fleet repo at one moment, paths relative to its root with `/` between parts."""

    files: Mapping[str, BlobId]
    commit: CommitId | None
    """None for a work tree or index, which can be checked and previewed but never delivered."""
    skipped: Mapping[str, str] = {}
    """What is no file, by path, with the reason: symbolic links, submodules, names that are not UTF-8."""
