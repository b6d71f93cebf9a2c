"""Answers for what pure rooms want from programs outside: charts, templates, kustomizations.

One module per program asks it; this one sends each question to the right one, all kinds at once.
"""

import asyncio
from collections.abc import Iterable, Mapping

from reconciler.model.inflation import Answers, Build, Built, ChartRender, TemplateRender, Wanted
from reconciler.model.settings import Settings
from reconciler.sync.tools import Tools


async def answers(tools: Tools, settings: Settings, wanted: Iterable[Wanted]) -> Answers:
    """An answer for every question. What goes wrong is a fault in the answer, never an exception."""
    from reconciler.sync import charts, templating

    asked = list(wanted)
    found = await asyncio.gather(
        charts.rendered(tools, settings, [one for one in asked if isinstance(one, ChartRender)]),
        templating.filled(tools, settings, [one for one in asked if isinstance(one, TemplateRender)]),
    )
    return {question: answer for answered in found for question, answer in answered.items()}


async def built(tools: Tools, settings: Settings, wanted: Iterable[Build]) -> Mapping[Build, Built]:
    """Every kustomization, built."""
    from reconciler.sync import kustomizing

    return await kustomizing.built(tools, settings, list(wanted))
