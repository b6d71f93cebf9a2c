"""What becomes of templates."""

from collections.abc import Mapping, Sequence

from reconciler.model.inflation import Fault, TemplateAnswer, TemplateRender
from reconciler.model.settings import Settings
from reconciler.sync.tools import Tools


async def filled(
    _tools: Tools, _settings: Settings, wanted: Sequence[TemplateRender]
) -> Mapping[TemplateRender, TemplateAnswer]:
    """An answer for every question."""
    return {one: TemplateAnswer(fault=Fault("not-supported", "templates are not supported yet")) for one in wanted}
