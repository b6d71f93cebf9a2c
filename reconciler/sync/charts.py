"""What becomes of charts: each is fetched once, and rendered by helm once per distinct question.

Fetching is `chartfetch`'s, running helm `adapters.tools.helm`'s. Here questions meet contents, what helm made is read
as kubectl reads it, and is remembered encrypted.
"""

import asyncio
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from reconciler.adapters.tools.chartaccess import Unfetched
from reconciler.adapters.tools.chartfiles import BadChart, ChartFiles, of_archive, of_files
from reconciler.adapters.tools.chartmemory import Memory
from reconciler.adapters.tools.helm import Failed, Helm, Part, role_of
from reconciler.model.errors import ReconcilerError, ToolFailed
from reconciler.model.inflation import Chart, ChartAnswer, ChartObject, ChartRender, Fault
from reconciler.model.objects import Object, canonical
from reconciler.model.settings import Settings
from reconciler.source import chartvalues, documents
from reconciler.sync.chartfetch import fetched
from reconciler.sync.tools import Once, Tools

_ARCHIVE = "chart.tgz"
_HARMLESS = {"yaml-duplicate-key", "yaml-boolean"}
"""Faults of a file that its author can correct; helm and kubectl read it all the same, and the last one wins."""


class Content(msgspec.Struct, frozen=True):
    """A chart that is here."""

    chart: ChartFiles
    packed: Mapping[str, bytes]
    """What is written for helm: one archive, or the files of a directory."""
    defaults: Object
    reads: chartvalues.Reads


async def rendered(
    tools: Tools, settings: Settings, wanted: Sequence[ChartRender]
) -> Mapping[ChartRender, ChartAnswer]:
    """An answer for every question; what goes wrong with one chart is a fault in its answers."""
    if not wanted:
        return {}
    with tempfile.TemporaryDirectory(prefix="reconciler-charts-") as home:
        try:
            helm = Helm(Path(home), tools.environment)
            work = _Work(tools, settings, helm, await tools.once.ask("helm version", helm.version))
        except ReconcilerError as error:
            return {one: ChartAnswer(fault=_fault(error)) for one in wanted}
        asked = list(dict.fromkeys(wanted))
        answers = await asyncio.gather(*(work.answer(one) for one in asked))
        work.memory.trim()
    return dict(zip(asked, answers, strict=True))


class _Work:
    """The charts of one call."""

    def __init__(self, tools: Tools, settings: Settings, helm: Helm, version: str) -> None:
        self._tools = tools
        self._settings = settings
        self._helm = helm
        self._version = version
        self._running = asyncio.Semaphore(os.cpu_count() or 1)
        self._here = Once()
        self.memory = Memory(tools.cache.directory / "charts" / "rendered")

    async def answer(self, question: ChartRender) -> ChartAnswer:
        """What comes of one question."""
        try:
            content = await self._tools.once.ask(
                ("chart", question.chart, question.files), lambda: self._content(question)
            )
            parts = await self._parts(question, content)
            objects = tuple(made for part in parts for made in _objects(part))
        except (BadChart, Failed, Unfetched) as error:
            return ChartAnswer(fault=error.fault)
        except ToolFailed as error:
            return ChartAnswer(fault=_fault(error))
        chart, reads = content.chart, content.reads
        varies = tuple(sorted({part.source for part in parts if part.varies}))
        return ChartAnswer(
            objects, chart.version, chart.digest, content.defaults, reads.pointers, reads.everything, varies
        )

    async def _parts(self, question: ChartRender, content: Content) -> tuple[Part, ...]:
        apart = msgspec.structs.replace(question, chart=Chart("", ""), files=())
        asked = canonical((self._version, content.chart.digest, apart))
        return await self._here.ask(asked, lambda: self._rendered(asked, question, content))

    async def _rendered(self, asked: bytes, question: ChartRender, content: Content) -> tuple[Part, ...]:
        known = self.memory.find(asked)
        if known is not None:
            return known
        async with self._running:
            path = await self._here.ask(content.chart.digest, lambda: self._written(content))
            parts = await self._helm.template(question, path, content.chart.files)
            if content.reads.chance:
                again = await self._helm.template(question, path, content.chart.files)
                parts = tuple(msgspec.structs.replace(part, varies=part not in again) for part in parts)
        self.memory.keep(asked, parts)
        return parts

    async def _written(self, content: Content) -> Path:
        root = self._helm.home / "charts" / content.chart.digest
        await asyncio.to_thread(_write, root, content.packed)
        return root / _ARCHIVE if _ARCHIVE in content.packed else root

    async def _content(self, question: ChartRender) -> Content:
        if "://" in question.chart.repo:
            archive = (await fetched(self._tools, self._settings, self._helm, question.chart)).archive
            return _scanned(of_archive(archive), {_ARCHIVE: archive})
        files = await self._of_repo(question)
        return _scanned(of_files(files), files)

    async def _of_repo(self, question: ChartRender) -> Mapping[str, bytes]:
        """A chart that lies in the fleet repo: below `repo` in a directory of its name, or `repo` itself."""
        base = "/".join(part for part in question.chart.repo.split("/") if part not in ("", "."))
        listed = dict(question.files)
        tries = [f"{base}/{question.chart.name}/".lstrip("/"), f"{base}/".lstrip("/")]
        directory = next((name for name in tries if f"{name}Chart.yaml" in listed), None)
        if directory is None:
            what = f"there is no Chart.yaml in {tries[0]} or {tries[1] or 'the root'} of the repo"
            raise Failed(Fault("chart-path", what, "Correct `repo` and `chart`."))
        blobs = {path.removeprefix(directory): blob for path, blob in listed.items() if path.startswith(directory)}
        contents = await self._tools.blobs.blobs(set(blobs.values()))
        return {path: contents[blob] for path, blob in blobs.items()}


def _scanned(chart: ChartFiles, packed: Mapping[str, bytes]) -> Content:
    return Content(chart, packed, chartvalues.defaults(chart.files), chartvalues.reads(chart.files))


def _write(root: Path, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _objects(part: Part) -> Iterator[ChartObject]:
    parsed = documents.everything(part.text)
    harmful = {found.index: found.fault for found in parsed.faults if found.fault.rule not in _HARMLESS}
    for document in parsed.documents:
        if document.index in harmful:
            fault = harmful[document.index]
            where = f"{part.source}: document {document.index + 1}"
            raise Failed(Fault("chart-render", f"{where} of what it makes is no object ({fault.rule})"))
        for body in _opened(document.value):
            if not isinstance(body, Mapping):
                raise Failed(Fault("chart-render", f"{part.source}: what it makes is no object"))
            metadata = body.get("metadata")
            annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
            role = role_of(part, annotations if isinstance(annotations, Mapping) else {})
            yield ChartObject(body, part.source, role)


def _opened(value: Any) -> Iterator[Any]:
    """An object, or the items of a List."""
    if isinstance(value, Mapping) and value.get("kind") == "List" and isinstance(value.get("items"), list):
        for item in value["items"]:
            yield from _opened(item)
    else:
        yield value


def _fault(error: ReconcilerError) -> Fault:
    known = {"program-deadline": "chart-render", "program-output": "chart-render"}
    return Fault(known.get(error.code, error.code), error.message, error.hint or "Look for a loop in its templates.")
