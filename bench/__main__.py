"""Arguments of `python -m bench`."""

from __future__ import annotations

import argparse
import compileall
import sys
from pathlib import Path

from bench import report
from bench.measure import Unexpected
from bench.progress import say
from bench.scenario import measure
from bench.scenarios import SCENARIOS

HERE = Path(__file__).parent


def main() -> int:
    """Run the named scenarios (all without a name). Exit 1 when a goal is missed, 4 when one could not be measured."""
    options = _parser().parse_args()
    if options.list:
        for scenario in SCENARIOS.values():
            print(f"{scenario.name:16} {scenario.title}")
        return 0
    compileall.compile_dir(str(HERE.parent / "reconciler"), quiet=1)  # as an installation does
    results, failed = [], False
    for name in options.scenario or SCENARIOS:
        try:
            results.append(measure(SCENARIOS[name], options.runs))
            report.keep(results[-1], HERE / "results")
        except Unexpected as error:
            say(f"{name}: {error}")
            failed = True
    print(report.to_json(results) if options.output == "json" else report.to_markdown(results), end="")
    if options.write:
        (HERE / "RESULTS.md").write_text(report.page_of_kept(SCENARIOS, HERE / "results"))
    missed = any(not verdict.met for result in results for verdict in result.verdicts)
    return 4 if failed else int(missed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench", description=main.__doc__)
    parser.add_argument("scenario", nargs="*", choices=[*SCENARIOS, []], metavar="SCENARIO")
    parser.add_argument("--list", action="store_true", help="name the scenarios")
    parser.add_argument("--runs", type=int, metavar="N", help="runs that count (each scenario has its own default)")
    parser.add_argument("-o", "--output", choices=["markdown", "json"], default="markdown")
    parser.add_argument("--write", action="store_true", help="write bench/RESULTS.md from the latest figures of all")
    return parser


sys.exit(main())
