"""Shared by all tests: the plugins of tests/plugins, and a derandomised hypothesis profile for CI.

Laws that want more examples than the profile has say so themselves. Garbage is collected seldom: thousands of small
tests make little of it, and the collector would walk through every module that they import.
"""

import gc
import os

from hypothesis import settings

pytest_plugins = ["tests.plugins.fleet"]

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=50)
settings.register_profile("default", deadline=None, max_examples=50)
settings.load_profile("ci" if os.environ.get("CI") else "default")
gc.set_threshold(100_000, 50, 100)
