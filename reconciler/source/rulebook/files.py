"""Rules about files as YAML."""

ERRORS = {
    "file-skipped": (
        "a path that may hold objects is a symbolic link or submodule, or cannot be read",
        "Commit the file itself, or add the path to `ignore` in fleet.yaml.",
    ),
    "yaml-encoding": (
        "a file is not UTF-8 text, or holds a control character",
        "Save the file as UTF-8; write control characters as escapes in double quotes.",
    ),
    "yaml-syntax": ("a document is not YAML", "Correct the place that is named; documents around it are still read."),
    "yaml-duplicate-key": (
        "a mapping has the same key twice (kubectl would silently take the last one)",
        "Remove one of the two, or merge them.",
    ),
    "yaml-key": (
        "a key is null, a list or a mapping, which JSON cannot hold",
        "Write the key as text, in quotes.",
    ),
    "yaml-number": (
        "a number is infinite or NaN, which JSON cannot hold",
        "Write it in quotes, or as a finite number.",
    ),
    "yaml-tag": (
        "a value does not fit the tag in front of it",
        "Remove the tag (`!!int`, `!!binary`) or correct the value.",
    ),
    "yaml-merge": ("`<<` is given something else than mappings", "Point `<<` at a mapping, or at a list of mappings."),
    "yaml-alias": (
        "an alias has no anchor before it, or lies inside its own anchor",
        "Define the anchor (`&name`) first.",
    ),
    "yaml-expansion": (
        "aliases expand to an enormous document, or nesting is deeper than 200 levels",
        "Write the document without nested aliases.",
    ),
}

WARNINGS = {
    "yaml-boolean": (
        "an unquoted y, yes, on, n, no or off: true or false for kubectl, text for other tools",
        "Write `true` or `false`, or put the word in quotes.",
    ),
}
