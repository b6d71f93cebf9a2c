"""Fills templates in a worker that can do no harm: see `templateworker` for what it gives up.

One worker serves all templates of a call. One that does not answer in time, or ends, costs one fault; the templates
after it get a new one. Variables that a template never read do not count: what differs only in them is filled once.
"""

import asyncio
import contextlib
import importlib.util
import json
import os
import selectors
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any

import msgspec

from reconciler.adapters.tools.templatepaths import Path, written
from reconciler.model.errors import ToolFailed
from reconciler.model.inflation import Fault, TemplateAnswer, TemplateRender
from reconciler.model.objects import canonical

_START = 30.0
"""Seconds until a worker is ready, on a machine that has much else to do."""
_PATIENCE = 30.0
"""Seconds for one fill: its processor time is bounded far below by the worker itself."""
_LENGTH = struct.Struct(">I")
_MOST = 32 << 20
"""Bytes of one answer: the text that is allowed, each character written as six."""
_PROGRAM = (
    "import sys; sys.path[:0] = sys.argv[1:]; from reconciler.adapters.tools import templateworker as w; w.main()"
)
_ENDED = "it needs more time or memory than a template may have"


class _Reply(msgspec.Struct, forbid_unknown_fields=True):
    """What the worker says: nothing when it is ready."""

    reads: list[Path] = []
    text: str = ""
    line: int = 0
    fault: tuple[str, str, str, int] | None = None


class _Gone(Exception):
    """The worker ended, or is too slow, or says what it must not."""


_replies = msgspec.json.Decoder(_Reply)


Reading = tuple[tuple[Any, ...], Fault | None]
"""The documents of a filled text; or why it has none, with the line of that text."""


async def filled(
    wanted: Iterable[TemplateRender], read: Callable[[str], Reading]
) -> Mapping[TemplateRender, TemplateAnswer]:
    """An answer for every question; `read` reads the filled text.

    ToolFailed `template-worker` when no worker can be started.
    """
    by_text: dict[str, list[TemplateRender]] = {}
    for one in wanted:
        by_text.setdefault(one.text, []).append(one)
    if not by_text:
        return {}
    worker = _Worker(read)
    work = asyncio.get_running_loop().run_in_executor(None, _fill, worker, by_text)
    try:
        return await asyncio.shield(work)
    finally:
        worker.stop()  # ends the thread as well, when it is us who were cancelled
        if not work.done():
            work.add_done_callback(lambda future: future.cancelled() or future.exception())


def _fill(worker: "_Worker", by_text: Mapping[str, list[TemplateRender]]) -> dict[TemplateRender, TemplateAnswer]:
    contexts = {one.context: msgspec.json.decode(one.context) for asked in by_text.values() for one in asked}
    answers = {}
    for text, asked in by_text.items():
        memory = _Memory()
        for one in asked:
            answer = memory.answer(contexts[one.context])
            if answer is None:
                reads, answer = worker.fill(text, one.context)
                memory.keep(contexts[one.context], reads, answer)
            answers[one] = answer
    return answers


class _Memory:
    """What became of one template, by what it read."""

    def __init__(self) -> None:
        self._answers: dict[tuple[Path, ...], dict[tuple[object, ...], TemplateAnswer]] = {}
        self._condemned: TemplateAnswer | None = None

    def answer(self, context: Mapping[str, Any]) -> TemplateAnswer | None:
        """What the template is certain to become with these variables."""
        if self._condemned is not None:
            return self._condemned
        for reads, known in self._answers.items():
            answer = known.get(tuple(_found(context, path) for path in reads))
            if answer is not None:
                return answer
        return None

    def keep(self, context: Mapping[str, Any], reads: tuple[Path, ...], answer: TemplateAnswer) -> None:
        """Remember an answer. A template that went beyond a limit is not tried again."""
        if answer.fault is not None and answer.fault.rule == "template-limit":
            self._condemned = answer
        key = tuple(_found(context, path) for path in reads)
        self._answers.setdefault(reads, {})[key] = answer


def _found(context: Mapping[str, Any], path: Path) -> object:
    """What stands at a path: its text as JSON, or how far the path leads."""
    value: Any = context
    for depth, key in enumerate(path):
        if not isinstance(value, dict) or key not in value:
            return depth, isinstance(value, dict)
        value = value[key]
    return canonical(value)


class _Worker:
    """The child, started when it is first needed and again when it has ended."""

    def __init__(self, read: Callable[[str], Reading]) -> None:
        self._read = read
        self._process: subprocess.Popen[bytes] | None = None
        self._text: str | None = None
        self._stopped = False

    def fill(self, text: str, context: bytes) -> tuple[tuple[Path, ...], TemplateAnswer]:
        """What a template becomes, and what it read."""
        process = self._process or self._start()
        try:
            if self._text != text:
                _write(process, json.dumps(text).encode())
                self._text = text
            _write(process, context)
            reply = _read(process, _PATIENCE)
        except _Gone:
            self._end()
            return (), TemplateAnswer(fault=Fault("template-limit", _ENDED))
        reads = tuple(reply.reads)
        names = tuple(sorted(map(written, reads)))
        if reply.fault is None:
            documents, wrong = self._read(reply.text)
            if wrong is None:
                return reads, TemplateAnswer(reply.text, documents, names)
            line = self._origin(process, wrong.line)
            return reads, TemplateAnswer(reads=names, fault=msgspec.structs.replace(wrong, line=line))
        rule, message, hint, line = reply.fault
        if rule == "template-limit":
            self._end()  # what memory it has left is not known
        return reads, TemplateAnswer(reads=names, fault=Fault(rule, message, hint, line))

    def _origin(self, process: "subprocess.Popen[bytes]", line: int) -> int:
        """The line of the template that wrote this line of the last answer; 0 when that cannot be told."""
        try:
            _write(process, b"%d" % line)
            return _read(process, _PATIENCE).line
        except _Gone:
            self._end()
            return 0

    def stop(self) -> None:
        """End the child, and start no other one."""
        self._stopped = True
        self._end()

    def _start(self) -> "subprocess.Popen[bytes]":
        if self._stopped:
            raise ToolFailed("template-worker", "the run was stopped")
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-X", "utf8", "-c", _PROGRAM, *_packages()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            start_new_session=True,
        )
        self._process, self._text = process, None
        try:
            _read(process, _START)
        except _Gone as error:
            self._end()
            raise ToolFailed("template-worker", "the program that fills templates cannot be started") from error
        return process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close()  # type: ignore[union-attr]


def _packages() -> list[str]:
    """Where the worker finds itself and jinja2, while it still may look for anything."""
    specs = [importlib.util.find_spec(name) for name in ("reconciler", "jinja2", "markupsafe")]
    return list(dict.fromkeys(str(FilePath(spec.origin).parents[1]) for spec in specs if spec and spec.origin))


def _write(process: "subprocess.Popen[bytes]", content: bytes) -> None:
    if process.stdin is None:
        raise AssertionError("a worker has a pipe")
    try:
        process.stdin.write(_LENGTH.pack(len(content)) + content)
        process.stdin.flush()
    except (OSError, ValueError) as error:
        raise _Gone from error


def _read(process: "subprocess.Popen[bytes]", patience: float) -> _Reply:
    """One frame. _Gone when there is none in time."""
    if process.stdout is None:
        raise AssertionError("a worker has a pipe")
    until = time.monotonic() + patience
    try:
        length = _LENGTH.unpack(_exactly(process.stdout.fileno(), _LENGTH.size, until))[0]
        if length > _MOST:
            raise _Gone
        return _replies.decode(_exactly(process.stdout.fileno(), length, until))
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise _Gone from error


def _exactly(pipe: int, length: int, until: float) -> bytes:
    read = bytearray()
    with selectors.DefaultSelector() as ready:
        ready.register(pipe, selectors.EVENT_READ)
        while len(read) < length:
            if not ready.select(max(0.0, until - time.monotonic())):
                raise _Gone
            chunk = os.read(pipe, min(1 << 16, length - len(read)))
            if not chunk:
                raise _Gone
            read += chunk
    return bytes(read)
