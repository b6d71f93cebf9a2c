"""What became of one feed on some clusters, whatever made it: an object of a file, a chart, a template."""

import msgspec

from reconciler.model.feed import Read, RenderedObject
from reconciler.model.objects import ObjectKey
from reconciler.model.snapshot import Problem


class Rendering(msgspec.Struct, frozen=True):
    """The objects of one feed; None where an error stopped one of them."""

    objects: tuple[RenderedObject, ...] | None
    reads: tuple[Read, ...]
    problems: tuple[Problem, ...] = ()
    faults: tuple[Problem, ...] = ()
    """Problems that may be of some clusters only, so that they are told with the names of those."""
    aside: tuple[RenderedObject, ...] = ()
    """Hooks and tests of a chart."""
    release: ObjectKey | None = None
    """What must not be twice on a cluster: the Helm release of a chart."""
    namespace: str = ""
    """A namespace that is to be made where nobody else delivers it."""
