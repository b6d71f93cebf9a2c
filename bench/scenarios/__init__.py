"""All scenarios by name."""

from bench.scenario import Scenario
from bench.scenarios import clusters, core, directory

SCENARIOS = {s.name: s for s in (*clusters.SCENARIOS, *directory.SCENARIOS, *core.SCENARIOS)}

__all__ = ["SCENARIOS", "Scenario"]
