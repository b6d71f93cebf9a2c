"""The C parser's complaints in words for authors, with line and column in the file."""

import re

import msgspec
from yaml import MarkedYAMLError, YAMLError
from yaml.reader import ReaderError

_CONFLICT = re.compile(rb"^(?:<{7}|={7}|>{7})(?:[ \r\n]|\Z)", re.MULTILINE)


class Fault(msgspec.Struct, frozen=True, array_like=True):
    """A broken rule inside one document. Lines and columns count from 1."""

    rule: str
    message: str
    line: int
    column: int
    field: tuple[str | int, ...] = ()
    hint: str = ""


_TEMPLATE = "This looks like a template ({{ … }}): call the file *.yaml.j2, or ignore it in fleet.yaml."
_WORDS: tuple[tuple[str, str, str], ...] = (
    (
        "mapping values are not allowed",
        "a ':' stands where no value can begin",
        "Check the indentation, or put text that holds ': ' in quotes.",
    ),
    (
        "could not find expected ':'",
        "a line is neither 'key: value' nor part of the value above it",
        "Add the ':' or indent the line.",
    ),
    (
        "did not find expected key",
        "the indentation does not fit the lines above",
        "Align the line with its neighbours.",
    ),
    (
        "did not find expected '-'",
        "this line is indented neither as an item of the list above nor as a part of one",
        "Align the '-' of all items, and indent what belongs to them.",
    ),
    (
        "block sequence entries are not allowed",
        "a '-' stands where no list can begin",
        "Put the list on lines of its own.",
    ),
    ("found unexpected end of stream", "a quote is not closed", "Close the quote."),
    ("did not find expected ',' or ']'", "a list in brackets is not closed, or lacks a comma", "Add ',' or ']'."),
    ("did not find expected ',' or '}'", "a mapping in braces is not closed, or lacks a comma", "Add ',' or '}'."),
    ("found unknown escape character", "an escape after '\\' does not exist", "Use single quotes, or write '\\\\'."),
    (
        "did not find expected <document start>",
        "something follows the end of the document",
        "Separate documents by '---'.",
    ),
    (
        "found character that cannot start any token",
        "a value begins with a reserved character",
        "Put the value in quotes.",
    ),
    ("found a tab character", "a tab stands where indentation is read", "Indent with spaces."),
    ("found undefined tag handle", "a tag's prefix is not defined", "Put a value that begins with '!' in quotes."),
    (
        "control characters are not allowed",
        "a control character stands in the text",
        "Remove it, or write it as an escape.",
    ),
)


def fault_of(error: YAMLError, content: bytes, first_line: int) -> Fault:
    """A parser's error as a fault; `first_line` is where `content` begins in its file."""
    if isinstance(error, ReaderError):
        return _unreadable(error, content, first_line)
    conflict = _CONFLICT.search(content)
    if conflict is not None:
        line = first_line + content.count(b"\n", 0, conflict.start())
        return Fault("yaml-syntax", "a merge conflict of git is left in the file", line, 1, (), "Resolve the conflict.")
    reason, line, column, opened = "not YAML", 0, 0, ""
    if isinstance(error, MarkedYAMLError):
        reason = error.problem or error.context or reason
        # an open quote swallows the rest of the file; it is the quote that is wrong
        unclosed = reason == "found unexpected end of stream" and error.context_mark is not None
        mark = error.context_mark if unclosed else error.problem_mark or error.context_mark
        if mark is not None:
            line, column = mark.line, mark.column
        if error.context_mark is not None and error.context_mark.line != line:
            opened = f" (it begins in line {first_line + error.context_mark.line})"
    lines = content.split(b"\n")
    line, column = _inside(lines, line, column)
    message, hint = _words(reason, lines[line][column : column + 1])
    if "not closed" not in message:
        opened = ""
    if is_template(content):
        hint = _TEMPLATE
    return Fault("yaml-syntax", message + opened, first_line + line, column + 1, (), hint)


def is_template(content: bytes) -> bool:
    """Whether the text looks like a template of Helm or the like."""
    return b"{{" in content


def _inside(lines: list[bytes], line: int, column: int) -> tuple[int, int]:
    """The end of a stream is behind its last line; point at the end of the last line that says something."""
    if line < len(lines) and (lines[line].strip() or line == 0):
        return line, min(column, len(lines[line]))
    line = min(line, len(lines) - 1)
    while line > 0 and not lines[line].strip():
        line -= 1
    return line, max(len(lines[line].rstrip()) - 1, 0)


def _words(reason: str, character: bytes) -> tuple[str, str]:
    if character == b"\t":
        return "a tab stands where indentation is read", "Indent with spaces."
    for known, message, hint in _WORDS:
        if reason.startswith(known):
            return message, hint
    return reason, ""


def _unreadable(error: ReaderError, content: bytes, first_line: int) -> Fault:
    before = content[: error.position]
    line = before.count(b"\n")
    column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
    message, hint = _words(error.reason, b"")
    if "UTF-8" in error.reason or "encoding" in error.reason:
        message, hint = "a byte is not UTF-8 text", "Save the file as UTF-8."
    return Fault("yaml-encoding", message, first_line + line, column, (), hint)
