"""What can stop a command, sorted by who must act.

Expected failures of the pure rooms are values (`Problem`, `Refusal`, `Outcome`); exceptions come from doors and bugs.

    ReconcilerError
    ├── UsageError       the command line, or settings that cannot be used          exit 2
    ├── Unreachable      a remote, cluster or hub does not answer; waiting may help  exit 4
    ├── ApiError         an API server answered with a refusal                       exit 4
    ├── ToolFailed       git or another program said no                              exit 4
    ├── Refused          a guard of ours, or another run, is in the way              exit 6
    └── Untrusted        signature, certificate or credential                        exit 7
"""

import enum


class Exit(enum.IntEnum):
    """The exit codes of every command; several at once give the highest below `BUG`."""

    OK = 0
    DIFFERS = 1
    USAGE = 2
    PROBLEMS = 3
    FAILED = 4
    NOT_READY = 5
    REFUSED = 6
    UNTRUSTED = 7
    BUG = 70


class ReconcilerError(Exception):
    """Base of all expected errors: a stable kebab-case code, what happened, and what to do about it."""

    exit_code = Exit.FAILED

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class UsageError(ReconcilerError):
    """The command line or the settings cannot be used as they are."""

    exit_code = Exit.USAGE


class Unreachable(ReconcilerError):
    """A remote, cluster or hub does not answer."""


class ToolFailed(ReconcilerError):
    """A program that we called ended with an error; the message holds its last words, credentials masked."""


class Refused(ReconcilerError):
    """A guard, or another run, is in the way."""

    exit_code = Exit.REFUSED


class Untrusted(ReconcilerError):
    """A signature, certificate or credential is absent, unknown or refused."""

    exit_code = Exit.UNTRUSTED


class ApiError(ReconcilerError):
    """An API server answered, and said no. `reason` and the message are the server's own words, without bodies."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__("api-" + (reason.lower() or str(status)), message)
        self.status = status
        self.reason = reason
