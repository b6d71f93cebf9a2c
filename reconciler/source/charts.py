"""Checks of HelmCharts that need nothing from outside: version, repository, path in the repo, credentials in clear.

Options that only mean something to a release that Helm itself installs (`wait`, `atomic`, `force`, …) are accepted as
they are: objects are applied here, not by Helm.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import urlsplit

from reconciler.model.authored import HelmChart
from reconciler.model.objects import Object, ObjectKey
from reconciler.model.settings import Repository
from reconciler.model.snapshot import Place, Problem, Sourced
from reconciler.source import chartversions, hints, kinds, layout
from reconciler.source.gather import Finding, Gathered
from reconciler.source.rules import problem

_SETTINGS = Place(layout.SETTINGS_PATH)
_CREDENTIALS = re.compile(r"^[a-z]+://[^/]*@", re.IGNORECASE)
_FROM_ROOT = "Write a path from the root of the repo."
Fault = tuple[str, str, str, str]
"""Rule, field of the spec, message and hint."""


def check(gathered: Gathered, files: Collection[str]) -> Iterator[Finding]:
    """All findings about charts; `files` are the paths of the tree."""
    directories = layout.charts(files)
    for name, sourced in gathered.charts.items():
        for rule, field, message, hint in _faults(gathered, sourced, directories):
            yield Finding(gathered.problem(rule, sourced.place, ("spec", field), message, hint), _about(name))
    for found in _settings(gathered, files):
        yield Finding(found)


def settings_problems(repositories: Collection[Repository]) -> Iterator[Problem]:
    """What is wrong with `charts.repositories` by itself."""
    for index, one in enumerate(repositories):
        path = ("charts", "repositories", index)
        if _CREDENTIALS.match(one.url):
            yield problem("settings-credential", _SETTINGS, (*path, "url"), "the URL holds a password or token")
        elif urlsplit(one.url).scheme not in ("http", "https", "oci"):
            message = "the URL has none of the schemes http, https and oci"
            yield problem("settings-charts", _SETTINGS, (*path, "url"), message)
        if one.token_env and (one.username_env or one.password_env):
            message = "both a token and a user with a password are named"
            yield problem("settings-charts", _SETTINGS, path, message, "Keep one of the two.")
        elif bool(one.username_env) != bool(one.password_env):
            message = "`usernameEnv` and `passwordEnv` only mean something together"
            yield problem("settings-charts", _SETTINGS, path, message, "Name both, or `tokenEnv` instead.")


def _faults(gathered: Gathered, sourced: Sourced[HelmChart], directories: Collection[str]) -> Iterator[Fault]:
    chart = sourced.value
    wrong = chartversions.fault(chart.spec.version or "")
    if wrong:
        yield "chart-version", "version", wrong, ""
    if _CREDENTIALS.match(chart.spec.repo):
        yield "chart-secret", "repo", "the URL of the repository holds a user name, password or token", ""
    elif "://" not in chart.spec.repo:
        yield from _path(chart.spec.repo, chart.spec.chart, directories)
    elif chart.spec.repo.startswith("oci://") and chart.spec.repo.rstrip("/").endswith(f"/{chart.spec.chart}"):
        message = f"this is {chart.spec.repo.rstrip('/')}/{chart.spec.chart}: the name of the chart is added to `repo`"
        yield "chart-name-twice", "repo", message, ""
    yield from _pull_secret(gathered, chart)


def _path(repo: str, name: str, directories: Collection[str]) -> Iterator[Fault]:
    if repo.startswith("/") or ".." in repo.split("/"):
        yield "chart-path", "repo", f"the path '{repo}' leads out of the repo", _FROM_ROOT
        return
    base = layout.normal(repo)
    tries = (layout.normal(f"{base}/{name}"), base)
    if not set(tries) & set(directories):
        hint = hints.did_you_mean(tries[0], directories)
        yield "chart-path", "repo", f"there is no chart '{name}' in '{repo}': no Chart.yaml is there", hint


def _pull_secret(gathered: Gathered, chart: HelmChart) -> Iterator[Fault]:
    named = chart.spec.chart_pull_secret
    if named is None:
        return
    namespace = named.namespace or chart.metadata.namespace or "default"
    found = gathered.resources.get(ObjectKey("", "Secret", namespace, named.name))
    if found is not None and found.seal is None:
        message = f"the Secret {namespace}/{named.name}, which holds credentials, is in clear in {found.place.path}"
        yield "chart-secret", "chartPullSecret", message, ""


def _settings(gathered: Gathered, files: Collection[str]) -> Iterator[Problem]:
    """Files that `fleet.yaml` names for charts, and that are not there."""
    charts = gathered.settings.charts
    named: dict[tuple[str | int, ...], str | None] = {
        ("charts", "repositories", index, "caFile"): one.ca_file for index, one in enumerate(charts.repositories)
    }
    for field, path in {**named, ("charts", "keyring"): charts.keyring}.items():
        if path and layout.normal(path) not in files:
            yield problem("settings-charts", _SETTINGS, field, f"there is no file '{path}' in the repo", _FROM_ROOT)


def _about(name: str) -> Object:
    namespace, _, own = name.partition("/")
    metadata: Mapping[str, str] = {"namespace": namespace, "name": own}
    return {"apiVersion": f"{kinds.APPS}/v1alpha1", "kind": "HelmChart", "metadata": metadata}
