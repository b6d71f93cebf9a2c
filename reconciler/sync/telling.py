"""How a run that stays tells of its runs: what is new, and not the same trouble at every look."""

from reconciler.model.errors import Exit
from reconciler.sync.events import Event, Level, Tell
from reconciler.sync.report import Report, ready


class Telling:
    """Tells of runs one after the other; what was told by the run before goes to the debug level."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._told: object = ""

    def run(self, report: Report, seconds: float) -> None:
        """Tell of a run that ended."""
        if report.nothing_new:
            text = f"{report.reference} is at {report.source[:12]}, nothing new"
            # A word at the start, and when the remote answers again.
            self._tell(Event("poll", text, Level.INFO if isinstance(self._told, str) else Level.DEBUG))
            self._told = None
            return
        counts = [sum(count) for count in zip(*((r.created, r.changed, r.pruned) for r in report.rows), strict=True)]
        trouble = (
            report.source,
            report.problems,
            report.unwritten,
            [(r.cluster, r.state, r.message) for r in report.rows],
        )
        again = trouble == self._told and not any(counts)
        if report.unwritten is not None:
            self._tell(Event("status", report.unwritten.message, Level.DEBUG if again else Level.ERROR))
        self._told = trouble
        self._trouble(report, Level.DEBUG if again else Level.WARNING)
        created, changed, pruned = counts or (0, 0, 0)
        text = f"{report.source[:12]}: {created} created, {changed} changed, {pruned} pruned in {seconds:.1f} s"
        well = report.exit_code in (Exit.OK, Exit.DIFFERS)
        self._tell(Event("run", text, Level.DEBUG if again else Level.INFO if well else Level.WARNING))

    def failed(self, message: str) -> None:
        """Tell of a run that could not be done at all."""
        self._tell(Event("run", message, Level.DEBUG if self._told == message else Level.ERROR))
        self._told = message

    def _trouble(self, report: Report, level: Level) -> None:
        for problem in report.problems:
            where = f"{problem.place.path}:{problem.line}:{problem.column}"
            self._tell(Event("read", f"{where}: {problem.severity}[{problem.rule}]: {problem.message}", level))
        for row in report.rows:
            if not ready(row):
                self._tell(Event("deliver", f"{row.state}: {row.message}", level, cluster=row.cluster))
