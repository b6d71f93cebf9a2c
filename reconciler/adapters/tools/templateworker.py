"""The program that fills templates: jinja2 in a process that can open nothing, start nothing and keep little.

It speaks in frames: four bytes of length, then JSON. A frame that is text is the template from now on; a frame that is
a mapping holds variables, and is answered with the filled text or with one fault, and with what was read; a number is
answered with the line of the template that wrote that line. Whatever a template does ends here: as an answer, or with
the process, which its parent notices.
"""

import contextlib
import encodings.unicode_escape
import json
import os
import re
import resource
import signal
import struct
import sys
from collections.abc import Callable, Mapping
from types import FrameType, GeneratorType
from typing import Any, NoReturn

import jinja2.debug
from jinja2 import BaseLoader, Environment, Template, nodes
from jinja2.compiler import CodeGenerator
from jinja2.exceptions import SecurityError, TemplateAssertionError, TemplateSyntaxError, UndefinedError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from reconciler.adapters.tools import templatefilters
from reconciler.adapters.tools.templatevariables import Seen, Unknown
from reconciler.model import templating

_NEEDED = (encodings.unicode_escape, jinja2.debug)
"""What would be imported later could not be opened any more."""
_LENGTH = struct.Struct(">I")
_ADDRESS = re.compile(r"<[^<>\n]{1,200} at 0x[0-9a-f]{4,}>")
_POSITION = re.compile(r" at \d+$")
_DIGITS = 1 << 16
"""Bits of the largest number that `**` and `*` may make."""

Fault = tuple[str, str, str, int]
"""Rule, message, hint, line."""


class Late(BaseException):
    """The time of a fill is over. Not an Exception, so that nothing on the way takes it for its own."""


class Excess(Exception):
    """A value or text is too large."""


class _Nothing(BaseLoader):
    def get_source(self, _environment: Environment, _template: str) -> NoReturn:
        raise SecurityError


class _Unfolded(CodeGenerator):
    """Evaluates nothing while it compiles, so that every fault has its line and its time."""

    def _output_child_to_const(self, node: nodes.Expr, frame: Any, finalize: Any) -> str:
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return super()._output_child_to_const(node, frame, finalize)


class Sandbox(ImmutableSandboxedEnvironment):
    """jinja2 without files, clock, chance and Python's insides; members of a mapping come before its methods."""

    code_generator_class = _Unfolded
    intercepted_binops = frozenset({"**", "*"})

    def __init__(self) -> None:
        super().__init__(
            **templating.OPTIONS,
            undefined=Unknown,
            finalize=templatefilters.written,
            loader=_Nothing(),
            cache_size=0,
        )
        for name in templating.REMOVED:
            del self.filters[name]
        self.filters.update(templatefilters.FILTERS)
        self.globals = {name: self.globals[name] for name in templating.GLOBALS}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute`."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, Seen) and attribute not in _METHODS:
            return self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`obj[argument]`."""
        if isinstance(obj, Seen):
            return obj[argument] if argument in obj else self.undefined(obj=obj, name=argument)
        return super().getitem(obj, argument)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Multiplication and powers, as long as the result is small."""
        if operator == "**" and isinstance(left, int) and isinstance(right, int) and right > 0:
            if left.bit_length() * right > _DIGITS:
                raise Excess
        elif operator == "*" and isinstance(left, int) and isinstance(right, int):
            if left.bit_length() + right.bit_length() > _DIGITS:
                raise Excess
        elif operator == "*":
            for times, what in ((left, right), (right, left)):
                if (
                    isinstance(times, int)
                    and isinstance(what, str | list | tuple)
                    and times * len(what) > templating.OUTPUT
                ):
                    raise Excess
        return super().call_binop(context, operator, left, right)


_LARGE = f"it makes more than {templating.OUTPUT >> 20} MiB of text, an enormous number, or a range beyond 100000"
_METHODS = frozenset({"get", "items", "keys", "values"})
_WORDS: Mapping[type[BaseException], str] = {
    TypeError: "a value is of the wrong type for what is done with it",
    ValueError: "a value is not one that can be used so",
    ZeroDivisionError: "it divides by zero",
    RecursionError: "it is nested too deeply, or calls itself without end",
    templatefilters.NotText: "it writes something that is neither text nor data, a function for example",
}


class Filling:
    """One template, and what became of it with some variables."""

    def __init__(self, environment: Sandbox, text: str) -> None:
        self._environment = environment
        self._text = text
        self._template: Template | None = None
        self._names: frozenset[str] = frozenset()
        self._variables: Mapping[str, Any] = {}

    def filled(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The answer: `text` or `fault`, and `reads`."""
        reads: set[tuple[str, ...]] = set()
        answer: dict[str, Any]
        self._variables = variables
        try:
            answer = {"text": self._fill(variables, reads)}
        except (Late, Exception) as error:  # noqa: BLE001 whatever a template does is one fault
            answer = {"fault": self._fault(error)}
        answer["reads"] = sorted(reads)
        return answer

    def origin(self, line: int) -> dict[str, Any]:
        """The line of the template that made a line of what was filled last, as `line`."""
        template = self._compiled()
        seen = {k: Seen(v, (k,), set()) if isinstance(v, dict) else v for k, v in self._variables.items()}
        written, before = _parts(template, seen), 1
        for part in written:
            made = part.count("\n")
            frame = written.gi_frame
            if before + made - part.endswith("\n") >= line and frame is not None:
                base: int = template.get_corresponding_lineno(frame.f_lineno)
                at = self._text.find(part, sum(map(len, self._text.splitlines(keepends=True)[: base - 1])))
                # a part that stands so in the template is literal, and all its lines are lines of the template
                return {"line": base if at < 0 else self._text.count("\n", 0, at) + 1 + line - before}
            before += made
        return {"line": 0}

    def _fill(self, variables: Mapping[str, Any], reads: set[tuple[str, ...]]) -> str:
        Unknown.known, Unknown.text = variables, self._text
        template = self._compiled()
        reads.update((name,) for name in self._names if not isinstance(variables.get(name), dict))
        seen = {k: Seen(v, (k,), reads) if isinstance(v, dict) else v for k, v in variables.items()}
        parts, size = [], 0
        written = _parts(template, seen)
        for part in written:
            parts.append(part)
            size += len(part) if len(part) > templating.OUTPUT else len(part.encode("utf-8", "surrogatepass"))
            if size > templating.OUTPUT:
                written.throw(Excess)  # so that it comes from the line that wrote too much
        text = "".join(parts)
        if _ADDRESS.search(text):
            raise templatefilters.NotText
        return text

    def _compiled(self) -> Template:
        if self._template is None:
            tree = self._environment.parse(self._text)
            self._names = frozenset(node.name for node in tree.find_all(nodes.Name))
            self._template = self._environment.from_string(tree)
        return self._template

    def _fault(self, error: BaseException) -> Fault:
        line = self._line(error)
        match error:
            case TemplateAssertionError() | TemplateSyntaxError():
                return "template-syntax", _POSITION.sub("", str(error.message)), "", error.lineno
            case Late():
                return "template-limit", f"it takes more than {templating.SECONDS:g} s of processor time", "", line
            case MemoryError():
                return "template-limit", f"it needs more than {templating.MEMORY >> 20} MiB of memory", "", line
            case Excess() | OverflowError():
                return "template-limit", _LARGE, "", line
            case SecurityError():
                return "template-forbidden", "it uses what templates may not", "", line
            case UndefinedError():
                message, _, hint = str(error.message).partition("\n")
                return "template-undefined", message, hint, line
            case _:
                words = next(
                    (words for kind, words in _WORDS.items() if isinstance(error, kind)), "it cannot be filled"
                )
                return "template-failed", words, "", line

    def _line(self, error: BaseException) -> int:
        """The line of the template where the error came from; 0 when it is not known."""
        found, trace = 0, error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == "<template>" and self._template is not None:
                found = self._template.get_corresponding_lineno(trace.tb_lineno)
            trace = trace.tb_next
        return found


def _parts(template: Template, variables: Mapping[str, Any]) -> "GeneratorType[str, None, None]":
    """What a template writes, piece by piece."""
    return template.root_render_func(template.new_context(dict(variables)))  # type: ignore[return-value]


def confine() -> None:
    """Give up all that a template does not need. What is imported after this cannot be found."""
    sys.path.clear()
    os.umask(0o077)
    for limit, most in (
        (resource.RLIMIT_AS, templating.MEMORY),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 3),
    ):
        with contextlib.suppress(ValueError, OSError):  # a system that has another idea of this limit
            resource.setrlimit(limit, (most, most))
    signal.signal(signal.SIGPROF, _late)
    signal.signal(signal.SIGVTALRM, signal.SIG_DFL)


def _late(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise Late


def timed(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Work for at most `templating.SECONDS`; a second timer ends the process where Python cannot interrupt itself."""
    signal.setitimer(signal.ITIMER_VIRTUAL, templating.SECONDS + 1)
    signal.setitimer(signal.ITIMER_PROF, templating.SECONDS)
    try:
        return work()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def main() -> None:
    """Answer frames until there are none."""
    environment = Sandbox()
    confine()
    _say({})
    filling = Filling(environment, "")
    while (asked := _frame()) is not None:
        if isinstance(asked, str):
            filling = Filling(environment, asked)
            continue
        work = filling.origin if isinstance(asked, int) else filling.filled
        try:
            answer = timed(lambda: work(asked))  # noqa: B023 used at once
        except Late:  # in the moment between the work and its end
            answer = {
                "fault": ("template-limit", f"it takes more than {templating.SECONDS:g} s of processor time", "", 0)
            }
        _say(answer)


def _say(answer: Mapping[str, Any]) -> None:
    content = json.dumps(answer).encode()
    sys.stdout.buffer.write(_LENGTH.pack(len(content)) + content)
    sys.stdout.buffer.flush()


def _frame() -> Any:
    head = sys.stdin.buffer.read(_LENGTH.size)
    return json.loads(sys.stdin.buffer.read(_LENGTH.unpack(head)[0])) if len(head) == _LENGTH.size else None
