"""The story of one commit, up to the feeds: read, schedule, render. Every command cuts this one path somewhere.

Blobs are parsed once and remembered by id across runs; the rooms are pure, so all I/O of the path is in this module and
in the doors that it calls.
"""

from collections.abc import Mapping

from reconciler.model.clusters import ClusterFacts
from reconciler.model.errors import Exit, ReconcilerError
from reconciler.model.inflation import Answer, Build, Built, Wanted
from reconciler.model.objects import CommitId
from reconciler.model.settings import Settings
from reconciler.model.snapshot import Problem, Snapshot
from reconciler.model.status import FleetStatus
from reconciler.model.tree import Tree
from reconciler.render.inflations import inflations
from reconciler.render.render import render
from reconciler.scheduling.schedule import schedule
from reconciler.source import locate
from reconciler.source.read import read
from reconciler.source.settings import read_settings
from reconciler.sync import inflate, ordering, parsing
from reconciler.sync.tools import Tools
from reconciler.sync.worklist import Evaluated

SETTINGS = "fleet.yaml"
"""The settings of a fleet, at its root."""


class BrokenRepo(ReconcilerError):
    """The fleet repo cannot be read at all: its settings are absent or wrong."""

    exit_code = Exit.PROBLEMS

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        first = problems[0]
        super().__init__(first.rule, f"{first.place.path}:{first.line}:{first.column}: {first.message}", first.hint)
        self.problems = problems


class Library:
    """Trees read into snapshots; remembers what every blob says."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools.anew()
        self._blobs = tools.blobs
        self._cache = tools.cache

    async def settings(self, tree: Tree) -> Settings:
        """The settings of a tree; BrokenRepo when it has none that can be used."""
        blob = tree.files.get(SETTINGS)
        content = (await self._blobs.blobs([blob]))[blob] if blob else None
        settings, problems = read_settings(content)
        if settings is None:
            raise BrokenRepo(problems)
        return settings

    async def snapshot(self, tree: Tree, settings: Settings) -> Snapshot:
        """All that a tree says, its kustomizations built."""
        files, texts = await parsing.parsed(tree, settings, self._blobs, self._cache)
        snapshot = read(tree, settings, files, texts=texts)
        built: dict[Build, Built] = {}
        while snapshot.wanted:
            built.update(await inflate.built(self.tools, settings, snapshot.wanted))
            snapshot = read(tree, settings, files, built, texts)
        return snapshot

    async def located(self, tree: Tree, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
        """Problems with their lines and columns."""
        paths = {problem.place.path for problem in problems} & tree.files.keys()
        if not paths:
            return problems
        contents = await self._blobs.blobs({tree.files[path] for path in paths})
        return locate.locate(problems, {path: contents[tree.files[path]] for path in paths})


async def evaluate(
    library: Library, tree: Tree, snapshot: Snapshot, facts: Mapping[str, ClusterFacts], previous: FleetStatus
) -> Evaluated:
    """Schedule and render a snapshot; all problems of all steps, located."""
    scheduled = schedule(snapshot, facts, previous)
    tools = library.tools.at(tree.files)
    answers: dict[Wanted, Answer] = {}
    while wanted := inflations(snapshot, scheduled, facts, answers):
        answers.update(await inflate.answers(tools, snapshot.settings, wanted))
    feeds = render(snapshot, scheduled, facts, answers)
    unordered = ordering.problems(snapshot, feeds)
    problems = await library.located(tree, (*snapshot.problems, *scheduled.problems, *feeds.problems, *unordered))
    ordered = tuple(sorted(problems, key=locate.order))
    return Evaluated(tree.commit or CommitId(""), snapshot, facts, scheduled, feeds, ordered, previous)
