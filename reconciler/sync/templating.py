"""What becomes of templates: filled by the worker, and read as YAML.

A template that makes no YAML is a fault that tells the line, never the text that was filled in.
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
    """An answer for every question; clusters whose text is the same share one."""
    answers = await templates.filled(wanted, _read)
    told = {id(answer): _with_hint(answer) for answer in answers.values()}
    return {one: told[id(answer)] for one, answer in answers.items()}


def _with_hint(answer: TemplateAnswer) -> TemplateAnswer:
    if answer.fault is None or answer.fault.hint:
        return answer
    fault = msgspec.structs.replace(answer.fault, hint=RULES[answer.fault.rule].fix)
    return msgspec.structs.replace(answer, fault=fault)


def _read(text: str) -> templates.Reading:
    parsed = documents.everything(text.encode())
    broken = {document.index for document in parsed.documents if document.broken}
    for found in parsed.faults:
        rule = RULES[found.fault.rule]
        if found.index in broken or rule.severity == "error":
            # the words of the fault may quote what was filled in; those of the rule cannot
            message = f"line {found.fault.line} of what it was filled to: {rule.meaning}"
            return (), Fault("template-yaml", message, line=found.fault.line)
    return tuple(document.value for document in parsed.documents), None
