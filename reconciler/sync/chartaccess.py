"""Which credentials and authorities a chart is fetched with: `fleet.yaml` names them, environment or hub hold them."""

from reconciler.adapters.tools.chartaccess import Access, Unfetched, covers
from reconciler.model.errors import ReconcilerError
from reconciler.model.inflation import Chart
from reconciler.model.settings import Charts, Repository, Settings
from reconciler.sync.tools import Tools


async def access_of(tools: Tools, settings: Settings, chart: Chart) -> Access:
    """How the repository of a chart is spoken to. Raises Unfetched `chart-credentials` for what is named and absent."""
    repository = _repository(settings.charts, chart.repo)
    authorities = await _authorities(tools, repository)
    if chart.pull_secret:
        username, password = await _pull_secret(tools, settings, chart.pull_secret)
        return Access(username, password, authorities=authorities)
    if repository is None:
        return Access()
    named = (repository.username_env, repository.password_env, repository.token_env)
    username, password, token = (_variable(tools, name) if name else "" for name in named)
    return Access(username, password, token, authorities)


async def file_of(tools: Tools, path: str) -> bytes | None:
    """A file of the fleet repo; None when it is not there."""
    blob = tools.files.get("/".join(part for part in path.split("/") if part not in ("", ".")))
    return (await tools.blobs.blobs([blob]))[blob] if blob is not None else None


def _repository(charts: Charts, url: str) -> Repository | None:
    """The one that says most of the URL."""
    fitting = [one for one in charts.repositories if covers(one.url, url)]
    return max(fitting, key=lambda one: len(one.url.rstrip("/")), default=None)


async def _authorities(tools: Tools, repository: Repository | None) -> str:
    if repository is None or not repository.ca_file:
        return ""
    content = await file_of(tools, repository.ca_file)
    if content is None:
        what = f"{repository.ca_file}, the certificate authorities of {repository.url}, is not in the repo"
        raise Unfetched("chart-credentials", what, "Add the file, or correct `charts.repositories[].caFile`.")
    return content.decode(errors="replace")


async def _pull_secret(tools: Tools, settings: Settings, name: str) -> tuple[str, str]:
    held = settings.charts.pull_secrets.get(name)
    if held is not None:
        return _variable(tools, held.username_env), _variable(tools, held.password_env)
    hint = (
        f"Name environment variables below `charts.pullSecrets.{name}` in fleet.yaml, or create the Secret on the hub."
    )
    if tools.secrets is None or settings.clusters.source != "parent":
        raise Unfetched("chart-credentials", f"nothing says what the chartPullSecret {name} holds", hint)
    namespace, _, own = name.partition("/")
    try:
        secret = await tools.secrets(settings, namespace, own)
    except ReconcilerError as error:
        what = f"the chartPullSecret {name} cannot be read from the hub: {error.message}"
        raise Unfetched("chart-credentials", what, error.hint or hint) from error
    if secret is None or not {"username", "password"} <= secret.keys():
        what = "is not on the hub" if secret is None else "has no `username` and `password`"
        raise Unfetched("chart-credentials", f"the chartPullSecret {name} {what}", hint)
    return secret["username"], secret["password"]


def _variable(tools: Tools, name: str) -> str:
    value = tools.environment.get(name, "")
    if not value:
        hint = "Set it where this runs, or correct fleet.yaml."
        raise Unfetched(
            "chart-credentials", f"the environment variable {name}, which fleet.yaml names, is not set", hint
        )
    return value
