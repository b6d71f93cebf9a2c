"""Questions of charts, asked as a run asks them."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from reconciler.adapters.cache import Cache
from reconciler.model.inflation import Chart, ChartAnswer, ChartRender
from reconciler.model.objects import BlobId, canonical
from reconciler.model.settings import Charts, Repository, Settings
from reconciler.sync.charts import rendered
from reconciler.sync.tools import Tools
from tests.plugins.fleet import tool


class Files:
    """A tree whose blob ids are its paths."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    async def blobs(self, ids) -> Mapping[BlobId, bytes]:
        return {blob: self._files[blob] for blob in ids}


class Run:
    """One run after the other over one cache."""

    def __init__(self, cache: Path, files: Mapping[str, bytes] = {}, **more) -> None:
        environment = {**os.environ, "RECONCILER_HELM": str(tool("helm")), **more.pop("environment", {})}
        listed = {path: BlobId(path) for path in files}
        self.tools = Tools(Files(files), Cache(cache, "test", "1"), environment, files=listed, **more)
        self.settings = Settings(fleet="test")

    def with_charts(self, **fields) -> "Run":
        self.settings = msgspec.structs.replace(self.settings, charts=Charts(**fields))
        return self

    def with_repository(self, url: str, **fields) -> "Run":
        return self.with_charts(repositories=(Repository(url=url, **fields),))

    def again(self, **changes) -> None:
        """The next run."""
        self.tools = msgspec.structs.replace(self.tools.anew(), **changes)

    async def ask(self, *questions: ChartRender) -> list[ChartAnswer]:
        answers = await rendered(self.tools, self.settings, questions)
        return [answers[question] for question in questions]

    async def one(self, question: ChartRender) -> ChartAnswer:
        (answer,) = await self.ask(question)
        return answer

    async def good(self, question: ChartRender) -> ChartAnswer:
        answer = await self.one(question)
        assert answer.fault is None, answer.fault
        return answer


def question(chart: Chart, values: object = {}, **more) -> ChartRender:
    fields = {"release": "web", "namespace": "apps", **more}
    return ChartRender(chart, values=canonical(values), **fields)


def in_repo(files: Mapping[str, str], name: str) -> dict[str, bytes]:
    """A chart in the fleet repo, below `charts`."""
    return {f"charts/{name}/{path}": text.encode() for path, text in files.items()}


def of_repo(files: Mapping[str, bytes], name: str, values: object = {}, **more) -> ChartRender:
    listed = tuple(sorted((path, BlobId(path)) for path in files))
    return question(Chart("charts", name), values, files=listed, **more)
