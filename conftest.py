"""Shared by all tests: the plugins of tests/plugins, and a derandomised hypothesis profile for CI."""

import os

from hypothesis import settings

pytest_plugins = ["tests.plugins.fleet"]

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=100)
settings.register_profile("default", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "default")
