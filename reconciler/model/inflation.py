"""What pure rooms want from programs outside, as data: charts to be rendered, templates to be filled, kustomizations.

A room asks with one of these, a door answers, and the room is called again with the answer. Questions are hashable and
say everything that the answer depends on, so that equal questions are asked once and answers are remembered by content.
"""

import enum
from collections.abc import Mapping
from typing import Any

import msgspec

from reconciler.model.objects import BlobId, Digest, Object


class Fault(msgspec.Struct, frozen=True):
    """Why there is no answer, in words for the author; never the body of an object or a value."""

    rule: str
    message: str
    hint: str = ""
    line: int = 0
    """Line of the text that was asked about, from 1; 0 when it is about all of it."""


class Chart(msgspec.Struct, frozen=True, order=True):
    """Which chart: what the author's HelmChart says after its overrides."""

    repo: str
    """URL with http, https or oci; or a directory of the fleet repo."""
    name: str
    version: str = ""
    """A version or a range; empty for the newest."""
    plain_http: bool = False
    pull_secret: str = ""
    """`namespace/name` of the credentials, or nothing."""


class ChartRender(msgspec.Struct, frozen=True, order=True):
    """One run of `helm template`."""

    chart: Chart
    release: str
    namespace: str
    values: bytes = b"{}"
    """Canonical JSON of the values that are laid over the chart's own."""
    kubernetes: str = ""
    """`gitVersion` of the cluster; empty where it is not known."""
    apis: tuple[str, ...] = ()
    """What `.Capabilities.APIVersions` holds beside helm's own: `apps/v1/Deployment`, sorted."""
    skip_crds: bool = False
    files: tuple[tuple[str, BlobId], ...] = ()
    """Path and blob of every file of a chart that lies in the fleet repo."""


class Role(enum.StrEnum):
    """What an object of a chart is for."""

    OBJECT = "object"
    DEFINITION = "definition"
    """A CustomResourceDefinition from the chart's `crds` directory."""
    HOOK = "hook"
    TEST = "test"


class ChartObject(msgspec.Struct, frozen=True):
    """One object that a chart made."""

    body: Object
    source: str
    """File of the chart: `web/templates/deployment.yaml`."""
    role: Role = Role.OBJECT


class ChartAnswer(msgspec.Struct, frozen=True):
    """What helm made of a chart."""

    objects: tuple[ChartObject, ...] = ()
    version: str = ""
    """The version that was taken."""
    digest: Digest = Digest("")
    """Of the chart's content."""
    defaults: Object = {}
    """The chart's own values, those of its subcharts below their names."""
    reads: frozenset[str] = frozenset()
    """JSON pointers of values that its templates read, as far as their text tells."""
    reads_everything: bool = False
    """Its templates also hand all values on, so that no value can be called unread."""
    varies: tuple[str, ...] = ()
    """Files of the chart that make something else each time, by chance or by the clock."""
    fault: Fault | None = None


class TemplateRender(msgspec.Struct, frozen=True, order=True):
    """One template filled for one cluster."""

    path: str
    """Where the text stands, for messages."""
    text: str
    context: bytes
    """Canonical JSON of the variables. The same bytes object for all templates of one cluster."""


class TemplateAnswer(msgspec.Struct, frozen=True):
    """What came of a template."""

    text: str = ""
    documents: tuple[Any, ...] = ()
    """The text read as YAML, for templates of objects."""
    reads: tuple[str, ...] = ()
    """Variables that were looked at: `cluster.labels.region`."""
    fault: Fault | None = None


class Build(msgspec.Struct, frozen=True, order=True):
    """One kustomization, built as `kubectl kustomize` builds it."""

    directory: str
    files: tuple[tuple[str, BlobId], ...]
    """Path and blob of every file that it may read: those of the fleet repo, so that bases outside are found."""
    remote: bool = False
    """Whether bases from elsewhere are allowed."""


class Built(msgspec.Struct, frozen=True):
    """What came of a kustomization."""

    documents: tuple[Any, ...] = ()
    reads: tuple[str, ...] = ()
    """Paths of the files that it read."""
    fault: Fault | None = None


class Seal(msgspec.Struct, frozen=True, order=True):
    """Where the plaintext of an encrypted object comes from: opened only on the way to a cluster."""

    path: str
    blob: BlobId
    document: int = 0


Wanted = ChartRender | TemplateRender
Answer = ChartAnswer | TemplateAnswer
Answers = Mapping[Wanted, Answer]
