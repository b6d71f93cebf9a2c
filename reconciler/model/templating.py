"""What the language of templates is: jinja2, without what reaches into files, time, chance, HTML or Python.

Read by the room that checks templates and by the worker that fills them, which has nothing but the standard library.
"""

from typing import Final

SUFFIX: Final = ".j2"
"""Of files that are templates, behind the suffix of what they make."""
LARGEST: Final = 1 << 20
"""Bytes of the text of a template."""
SECONDS: Final = 2.0
"""Processor time of filling one template for one cluster."""
OUTPUT: Final = 4 << 20
"""Bytes of text that one template may make for one cluster."""
MEMORY: Final = 512 << 20
"""Bytes that filling may use."""

OPTIONS: Final = {"trim_blocks": True, "lstrip_blocks": True, "keep_trailing_newline": True, "optimized": False}
"""How jinja2 reads and compiles templates: a line that holds only a statement leaves no line behind."""
ADDED: Final = ("b64encode", "nindent", "quote", "toJson", "toYaml", "to_json", "to_yaml", "tojson")
"""Filters beside those of jinja2."""
REMOVED: Final = (
    "attr",
    "e",
    "escape",
    "filesizeformat",
    "forceescape",
    "pprint",
    "random",
    "safe",
    "striptags",
    "urlize",
    "xmlattr",
)
"""Filters of jinja2 that are not there."""
GLOBALS: Final = ("cycler", "dict", "joiner", "namespace", "range")
"""Functions of jinja2 that are there."""
VARIABLES: Final = ("cluster", "fleet", "values")
"""The outermost variables."""
