"""One run, first half: ask the remote, and end there when nothing is new and nothing is left to do.

Such a run is most of all runs, so it imports nothing that only the second half (`sync.delivery`) needs.
"""

import asyncio
from pathlib import Path

from reconciler.model.objects import digest_of
from reconciler.sync.events import Event, Level, Tell
from reconciler.sync.options import Options
from reconciler.sync.repo import Heads, LastRun, Repo, opened
from reconciler.sync.report import Report


async def once(options: Options, tell: Tell) -> Report:
    """One run with everything opened and closed again."""
    async with opened(options) as repo:
        return await run(repo, options, tell)


async def run(repo: Repo, options: Options, tell: Tell, moved: asyncio.Event | None = None) -> Report:
    """One run; `moved` ends its wait for readiness.

    Raises what stops all of it: a remote that does not answer, an untrusted commit, settings that cannot be used. What
    concerns one Subscription, object or cluster is in the report.
    """
    tell(Event("fetch", f"asking {repo.remote.shown}", Level.DEBUG))
    last = repo.last()
    heads = await repo.heads(last.settings if last else None)
    if last is not None and _same(last, heads, options) and await _same_facts(repo, last, options):
        return Report(fleet=last.settings.fleet, source=heads.commit, reference=str(repo.revision), nothing_new=True)
    from reconciler.sync.delivery import deliver

    return await deliver(repo, options, tell, heads, moved)


def _same(last: LastRun, heads: Heads, options: Options) -> bool:
    if options.check_drift or options.acknowledged or not last.settled:
        return False
    there = not last.proof or Path(last.proof).exists()
    return there and (last.source, last.status) == (heads.commit, heads.status)


async def _same_facts(repo: Repo, last: LastRun, options: Options) -> bool:
    if last.settings.clusters.source == "repo":
        return True
    from reconciler.sync.reach import reaching

    async with reaching(options, last.settings, repo.clients) as reach:
        return digest_of(await reach.parent_facts()) == last.facts
