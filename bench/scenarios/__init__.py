"""All scenarios by name."""

from bench.scenario import Scenario
from bench.scenarios import big, clusters, commands, core, directory, divide, health

SCENARIOS = {
    s.name: s
    for s in (
        *clusters.SCENARIOS,
        *directory.SCENARIOS,
        *core.SCENARIOS,
        *divide.SCENARIOS,
        *commands.SCENARIOS,
        *health.SCENARIOS,
        *big.SCENARIOS,
    )
}

__all__ = ["SCENARIOS", "Scenario"]
