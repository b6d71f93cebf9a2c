"""The problems of a fleet repo, remembered where nothing but its files decides.

Somebody who checks a work tree twice, or in a hook after touching nothing that is read, gets the answer of the first
time. Where charts come from elsewhere, or clusters and earlier placements have a say, everything is asked anew.
"""

from pathlib import Path

import msgspec

from reconciler.model.objects import Digest, digest_of
from reconciler.model.snapshot import Problem
from reconciler.model.tree import Tree
from reconciler.sync import previous, reading
from reconciler.sync.events import Tell, unheard
from reconciler.sync.options import Options
from reconciler.sync.worklist import Evaluated


class Checked(msgspec.Struct, frozen=True):
    """What the last check of a directory found."""

    tree: Digest
    problems: tuple[Problem, ...]


async def problems(options: Options, tell: Tell = unheard) -> tuple[Problem, ...]:
    """All problems, located. Raises as `reading.evaluated`."""
    if not reading.is_work_tree(options):
        return (await reading.evaluated(options, tell)).problems
    worktree = reading.OpenWorkTree(options)
    tree = await worktree.files.tree()
    name, now = _name(options), _digest(tree, options)
    known = worktree.cache.record(name, Checked)
    if known is not None and known.tree == now:
        return known.problems
    found = await (await worktree.ground(tree, tell)).evaluated()
    if _only_files_decide(found):
        worktree.cache.keep(name, Checked(now, found.problems))
    return found.problems


def _name(options: Options) -> str:
    return f"check-{digest_of([str(Path(options.repo).resolve()), options.path])[:16]}"


def _digest(tree: Tree, options: Options) -> Digest:
    return digest_of([sorted(tree.files.items()), sorted(tree.skipped.items()), options.offline])


def _only_files_decide(found: Evaluated) -> bool:
    snapshot = found.snapshot
    placed = all(scheduled.placements for scheduled in found.schedule.subscriptions.values())
    ours = snapshot.settings.clusters.source == "repo" and not previous.matters(snapshot)
    return ours and placed and not snapshot.charts and not snapshot.built
