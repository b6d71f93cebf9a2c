"""Answers for what pure rooms want from programs outside: charts, templates, kustomizations.

One module per program asks it; this one sends each question to the right one, all kinds at once.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from typing import Any

from reconciler.model.inflation import Answer, Answers, Build, Built, ChartRender, TemplateRender, Wanted
from reconciler.model.settings import Settings
from reconciler.sync.tools import Tools


async def answers(tools: Tools, settings: Settings, wanted: Iterable[Wanted]) -> Answers:
    """An answer for every question. What goes wrong is a fault in the answer, never an exception."""
    asked = list(wanted)
    renders = [one for one in asked if isinstance(one, ChartRender)]
    fills = [one for one in asked if isinstance(one, TemplateRender)]
    ways: list[Awaitable[Mapping[Any, Answer]]] = []
    if renders:
        from reconciler.sync import charts

        ways.append(charts.rendered(tools, settings, renders))
    if fills:
        from reconciler.sync import templating

        ways.append(templating.filled(tools, settings, fills))
    found = await asyncio.gather(*ways)
    return {question: answer for answered in found for question, answer in answered.items()}


async def built(tools: Tools, settings: Settings, wanted: Iterable[Build]) -> Mapping[Build, Built]:
    """Every kustomization, built."""
    from reconciler.sync import kustomizing

    return await kustomizing.built(tools, settings, list(wanted))
