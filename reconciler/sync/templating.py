"""What becomes of templates: filled by the worker, then read as YAML.

A template that makes no YAML is a fault that tells the line of what was filled, never the text of it.
"""

from collections.abc import Mapping, Sequence

import msgspec

from reconciler.adapters.tools import templates
from reconciler.model.inflation import Fault, TemplateAnswer, TemplateRender
from reconciler.model.settings import Settings
from reconciler.source import documents
from reconciler.source.rules import RULES
from reconciler.sync.tools import Tools


async def filled(
    _tools: Tools, _settings: Settings, wanted: Sequence[TemplateRender]
) -> Mapping[TemplateRender, TemplateAnswer]:
    """An answer for every question. Equal texts are read once."""
    answers = await templates.filled(wanted)
    read: dict[int, TemplateAnswer] = {}
    return {
        one: read.setdefault(id(answer), _read(answer)) if id(answer) not in read else read[id(answer)]
        for one, answer in answers.items()
    }


def _read(answer: TemplateAnswer) -> TemplateAnswer:
    if answer.fault is not None:
        return answer
    parsed = documents.everything(answer.text.encode())
    broken = {document.index for document in parsed.documents if document.broken}
    for found in parsed.faults:
        if found.index in broken or RULES[found.fault.rule].severity == "error":
            # the words of the fault may quote what was filled in; those of the rule cannot
            message = f"line {found.fault.line} of what it was filled to: {RULES[found.fault.rule].meaning}"
            return msgspec.structs.replace(answer, text="", fault=Fault("template-yaml", message))
    return msgspec.structs.replace(answer, documents=tuple(document.value for document in parsed.documents))
