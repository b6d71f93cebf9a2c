"""What becomes of charts."""

from collections.abc import Mapping, Sequence

from reconciler.model.inflation import ChartAnswer, ChartRender, Fault
from reconciler.model.settings import Settings
from reconciler.sync.tools import Tools


async def rendered(
    _tools: Tools, _settings: Settings, wanted: Sequence[ChartRender]
) -> Mapping[ChartRender, ChartAnswer]:
    """An answer for every question."""
    return {one: ChartAnswer(fault=Fault("not-supported", "charts are not supported yet")) for one in wanted}
