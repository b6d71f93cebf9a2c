"""Files with tricky YAML for the kubectl oracle: values, keys, structure, whole files, and those that must be refused.

Every value becomes `{value: …}` of an object of its own; a name of an object is the name of its case with a number.
"""

from collections.abc import Iterator
from typing import NamedTuple

PLAIN = """
0 1 -1 +1 007 0644 0777 08 09 0o644 0O17 00 -0 -017 +017 0x1f 0X1F -0x1F +0xff 0b101 0B11 -0b11 0b-1 -0b+1 0b+1 0b 0b2
0x 0xg 0o8 0o 1_000 1__0 _1 1_ 0x_f 0_7 1_000.5 1e3 1E3 1e+3 1e-3 1.5e3 .5 5. 0.0 -0.0 1.0 2.50 +.5 -.5 .5e1 .e1 . .. +
1.2.3 1.2.3.4 1e 1e400 -1e400 1e-400 123456789012345678901234567890 9223372036854775807 9223372036854775808
-9223372036854775808 -9223372036854775809 18446744073709551615 18446744073709551616 +9223372036854775808
0xffffffffffffffff 0x7fffffffffffffff 0xfffffffffffffffff 0777777777777777777777 07777777777777777777777777
1e18 1e19 1e20 1e21 1e22 123456789.123 3.141592653589793 1e15 0.1 100000000000000000000.0
y Y yes Yes YES yEs n N no No NO nO on On ON oN off Off OFF true True TRUE tRue false False FALSE t f o
null Null NULL nULL ~ ~~ none nil
2024-01-01 2024-1-1 2024-01-01T00:00:00Z 2024-01-01t00:00:00Z 20240101 2024-13-45 12:30 12:30:00
190:20:30 1:2.5 685.230_15e+03
1.21.0 v1 10m 100Mi 1Gi 500m 1k 12e03 e3 1f 0f 0xDEADBEEF deadbeef 1a2b3 12345e67 0e0 0e10 00.5 01.5 -01 1.e3
<< = a=b a:b a#b http://x:80/y?z=1 *.example.org- @at `tick` %pct -a ?a :a a: {} [] [1,2] {a: b} [a, [b, {c: d}]] {a}
'yes' "yes" '0644' "1e3" '' "" 'it''s' "tab\\there" "\\u00e9\\x41" "a\\
b" ! !!str !!null !!int !!float
"""

_ODD = {
    "space-in-number": "1 000",
    "timestamp-with-space": "2024-01-01 10:00:00",
    "trailing-comment": "0644 # octal",
    "hash-in-text": "a # b",
    "tag-str": "!!str 0644",
    "tag-str-null": "!!str null",
    "tag-str-quoted": '!!str "a"',
    "tag-int": '!!int "3"',
    "tag-int-octal": "!!int 010",
    "tag-float": "!!float 3",
    "tag-float-text": '!!float "3.5"',
    "tag-bool": '!!bool "yes"',
    "tag-null": "!!null null",
    "tag-binary": "!!binary aGVsbG8=",
    "tag-binary-lines": "!!binary |\n    aGVs\n    bG8=\n",
    "tag-timestamp": "!!timestamp 2024-01-01",
    "tag-own": "!own 12",
    "tag-own-map": "!own {a: 1}",
    "tag-non-specific": "! 12",
    "tag-non-specific-quoted": '! "12"',
    "tag-seq": "!!seq [1]",
    "tag-verbatim": "!<tag:yaml.org,2002:str> 12",
    "literal": "|\n    a\n     b\n\n    c\n",
    "literal-strip": "|-\n    a\n    b\n",
    "literal-keep": "|+\n    a\n\n\n",
    "literal-number": "|\n    0644\n",
    "literal-indent": "|2\n      a\n    b\n",
    "folded": ">\n    a\n    b\n\n    c\n",
    "folded-strip": ">-\n    a\n     more\n    b\n",
    "plain-lines": "a\n    b\n\n    c",
    "quoted-lines": '"a\n    b\n\n    c"',
    "single-quoted-lines": "'a\n    b'",
    "empty": "",
    "comment-only": "# nothing",
    "flow-multiline": "{a: 1,\n    b: [1,\n     2],}",
    "flow-no-space": '{"a":1,"b":[true,null]}',
    "flow-url": "{url: http://x/y}",
    "flow-tab": "{a:\t1,\tb: 2}",
    "nested-lists": "\n  - - 1\n    - 2\n  - - 3\n",
    "list-same-indent": "\n- a\n- b: 1\n  c: 2\n-\n- - d\n",
    "list-of-empty": "\n  -\n  - ~\n  - ''\n",
    "anchor": "{a: &x 1, b: *x}",
    "anchor-map": "{a: &x {c: 1}, b: *x}",
    "anchor-again": "[&x 1, *x, &x 2, *x]",
    "anchor-text": "[&x yes, *x]",
    "anchor-null": "[&x , *x]",
    "merge": "{a: &x {c: 1, d: 2}, b: {<<: *x, d: 3}}",
    "merge-after": "{a: &x {c: 1, d: 2}, b: {d: 3, <<: *x}}",
    "merge-list": "{a: &x {c: 1}, b: &y {c: 2, d: 2}, e: {<<: [*x, *y]}}",
    "merge-inline": "{b: {<<: {c: 1}, d: 2}}",
    "merge-nested": "{a: &x {c: {d: 1}}, b: &y {<<: *x}, e: {<<: *y, c: {f: 1}}}",
    "merge-twice": "{a: &x {c: 1}, b: &y {c: 2}, e: {<<: *x, <<: *y}}",
    "merge-quoted": '{"<<": {a: 1}}',
    "merge-in-list": "[<<]",
    "key-int": "{1: a}",
    "key-octal": "{010: a}",
    "key-hex": "{0x10: a}",
    "key-float": "{1.5: a}",
    "key-float-whole": "{1.0: a}",
    "key-float-exponent": "{1e3: a}",
    "key-float-large": "{1e6: a}",
    "key-float-long": "{3.14159265358979: a}",
    "key-float-small": "{0.00001: a}",
    "key-float-huge": "{1e30: a}",
    "key-float-wide": "{1e300: a}",
    "key-inf": "{.inf: a, -.inf: b, .nan: c}",
    "key-bool": "{true: a, no: b}",
    "key-on": "\n  on: push\n  off: never\n",
    "key-y": "{x: 1, y: 2}",
    "key-date": "{2024-01-01: a}",
    "key-empty-quoted": "{'': a}",
    "key-explicit": "\n  ? a\n  : b\n  ? c\n",
    "key-alias": "{a: &x name, *x : b}",
    "key-tagged": "{!!str 1: a}",
    "key-quoted-number": "{'1': a}",
    "key-long": "\n  " + "k" * 200 + ": v\n",
    "unicode": "grüße ☃ 😀 日本",
    "escapes": r'"\0\a\b\t\n\v\f\r\e\"\\\N\_\L\P\x41\u263a\U0001F600"',
    "percent": "50%",
    "dash": "-",
    "dash-text": "- a",
    "question": "?",
    "colon-inside": "a:b:c",
    "windows-path": r"C:\temp",
    "env": "${HOME}",
    "crontab": "'*/5 * * * *'",
    "image": "nginx:1.25",
    "port-map": "8080:80",
    "port-map-sexagesimal": "22:22",
    "version-float": "1.10",
    "long-decimal": "0.30000000000000004",
    "sci-small": "1e-7",
    "negative-exponent": "15e-1",
    "int-as-float": "3.0e0",
}

_HEAD = "apiVersion: oracle.example/v1\nkind: Case\nmetadata:\n  name: {}\n"


def _wrapped(name: str, value: str) -> str:
    gap = "" if value.startswith("\n") or not value else " "
    return _HEAD.format(name) + f"value:{gap}{value}\n"


def _json(name: str, rest: str) -> str:
    return '{"apiVersion": "oracle.example/v1", "kind": "Case", "metadata": {"name": "' + name + '"}' + rest + "}"


def _files() -> Iterator[tuple[str, bytes]]:
    one, two, three = (_HEAD.format(f"files-{n}") for n in ("one", "two", "three"))

    def named(case: str, text: str) -> tuple[str, bytes]:
        return case, text.replace("files-", f"{case}-").encode()

    yield named("multi", f"{one}---\n{two}---\n{three}")
    yield named("leading-separator", f"---\n{one}---\n{two}")
    yield named("trailing-separator", f"{one}---\n")
    yield named("empty-documents", f"---\n---\n{one}---\n---\n# only a comment\n---\n{two}---\n")
    yield named("separator-comment", f"--- # first\n{one}--- # second\n{two}")
    yield named("separator-spaces", f"{one}---   \n{two}")
    yield named("null-document", f"null\n---\n{one}---\n~\n")
    yield named("comments-before", f"# licence\n\n{one}# end\n")
    yield named("document-end", f"{one}...\n")
    yield named("dashes-in-text", f"{one}value: |\n  ---\n  a\n---\n{two}")
    yield named("no-newline-at-end", one + "value: a")
    yield named("crlf", f"{one}value: |\n  a\n  b\n---\n{two}".replace("\n", "\r\n"))
    yield named("crlf-mixed", f"{one}value: a\r\n---\r\n{two}")
    yield named("trailing-spaces", one.replace("\n", "   \n") + "value: a   \n")
    yield named("tabs-after-value", f"{one}value: a\t\t# tab\n")
    yield named("blank-lines", one.replace("\n", "\n\n\n"))
    yield "bom", b"\xef\xbb\xbf" + _wrapped("bom-one", "0644").encode()
    yield "bom-crlf", b"\xef\xbb\xbf" + _wrapped("bom-crlf-one", "yes").replace("\n", "\r\n").encode()
    yield (
        "list",
        (
            b"apiVersion: v1\nkind: List\nitems:\n"
            b"- {apiVersion: oracle.example/v1, kind: Case, metadata: {name: list-a}, value: 0644}\n"
            b"- {apiVersion: oracle.example/v1, kind: Case, metadata: {name: list-b}, value: yes}\n"
        ),
    )
    yield (
        "list-typed",
        (
            b"apiVersion: oracle.example/v1\nkind: CaseList\nitems:\n"
            b"- {metadata: {name: list-typed-a}}\n"
            b"- {apiVersion: oracle.example/v1, kind: Case, metadata: {name: list-typed-b}}\n"
        ),
    )
    yield "list-empty", b"apiVersion: v1\nkind: List\nitems: []\n"
    yield (
        "list-among-others",
        (
            "apiVersion: v1\nkind: List\nitems:\n"
            "- {apiVersion: oracle.example/v1, kind: Case, metadata: {name: list-among-others-a}}\n"
            "---\n" + _HEAD.format("list-among-others-b")
        ).encode(),
    )
    yield "json", _json("json-one", ', "value": {"a": 1.0, "b": 1e3, "c": "\\u00e9\\ud83d\\ude00", "d": 0.1}').encode()
    yield "json-tabs", _json("json-tabs-one", ',\n\t"value":\t[1,\t2]').encode()
    yield "json-stream", (_json("json-stream-a", "") + "\n" + _json("json-stream-b", "") + "\n").encode()
    yield "json-stream-tight", (_json("json-stream-tight-a", "") + _json("json-stream-tight-b", "")).encode()
    yield "json-separated", (_json("json-separated-a", "") + "\n---\n" + _json("json-separated-b", "") + "\n").encode()
    yield "json-then-yaml", (_json("json-then-yaml-a", "") + "\n---\n" + _HEAD.format("json-then-yaml-b")).encode()
    yield (
        "json-numbers",
        _json(
            "json-numbers-one",
            ', "value": [9223372036854775807, 9223372036854775808, -0, -0.0, 1E2, 123456789012345678]',
        ).encode(),
    )
    yield "json-surrogate", _json("json-surrogate-one", ', "value": "\\ud800 \\\\ud800"').encode()
    yield "json-null-members", _json("json-null-members-one", ', "value": {"a": null, "b": [null]}').encode()
    yield "json-indented", ("  \n " + _json("json-indented-one", "")).encode()
    yield (
        "flow-like-json",
        b"{apiVersion: oracle.example/v1, kind: Case, metadata: {name: flow-like-json-one}, value: 010}",
    )
    yield (
        "json-list",
        (
            '{"apiVersion": "v1", "kind": "List", "items": ['
            + _json("json-list-a", "")
            + ","
            + _json("json-list-b", "")
            + "]}"
        ).encode(),
    )
    deep = "[" * 60 + "1" + "]" * 60
    yield "deep", _wrapped("deep-one", deep).encode()


ACCEPTED: dict[str, bytes] = {
    **{
        f"plain-{number:03}": _wrapped(f"plain-{number:03}-one", word).encode()
        for number, word in enumerate(word for word in PLAIN.split("\n\n")[0].split() if word not in ("a:",))
    },
    **{name: _wrapped(f"{name}-one", value).encode() for name, value in _ODD.items()},
    **dict(_files()),
}
"""Cases that are compared with kubectl, whatever it says; most of them it accepts."""

REFUSED: dict[str, bytes] = {
    name: _wrapped(f"{name}-one", value).encode()
    for name, value in {
        "inf": ".inf",
        "minus-inf": "-.inf",
        "nan": ".nan",
        "tag-int-text": "!!int abc",
        "tag-int-float": "!!int 1.5",
        "tag-bool-int": "!!bool 1",
        "tag-null-text": "!!null x",
        "tag-binary-text": "!!binary '***'",
        "tag-timestamp-text": "!!timestamp abc",
        "alias-unknown": "*nowhere",
        "alias-of-itself": "&x [*x]",
        "merge-of-text": "{<<: text}",
        "merge-of-null": "{<<: }",
        "merge-of-list-of-text": "{<<: [a]}",
        "key-null": "{~: a}",
        "key-list": "{[a]: b}",
        "key-map": "{{a: b}: c}",
        "template": "{{ .Values.x }}",
        "unclosed-quote": '"a',
        "unclosed-list": "[a",
        "unclosed-map": "{a: b",
        "colon-in-plain": "a: b: c",
        "tab-indent": "\n\ta: b",
        "bad-indent": "\n   a: 1\n  b: 2",
        "reserved-at": "@a",
        "reserved-tick": "`a",
        "percent-start": "%a",
        "unknown-escape": '"\\q"',
        "surrogate": '"\\ud800"',
        "control": "a\x01b",
        "nul": "a\x00b",
        "unknown-tag-handle": "!x!y a",
        "dash-inline": "- a\n  - b: 1",
        "bomb": "\n  a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"  {b}: &{b} [{','.join(['*' + a] * 10)}]\n" for a, b in zip("abcdef", "bcdefg", strict=True)),
    }.items()
} | {
    "list-in-list": b"{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: List, items: [{apiVersion: "
    b"oracle.example/v1, kind: Case, metadata: {name: list-in-list-one}}]}]}",
    "number-as-name": _HEAD.format("0644").encode(),
    "no-kind": b"apiVersion: oracle.example/v1\nmetadata: {name: no-kind}\n",
    "top-level-list": b"- apiVersion: oracle.example/v1\n  kind: Case\n  metadata: {name: top-level-list}\n",
}
"""Cases that both refuse."""


class Deviation(NamedTuple):
    """A file that kubectl and we read differently, on purpose."""

    content: bytes
    theirs: int
    """How many objects kubectl reads."""
    ours: int
    rule: str
    """The problem that we tell; empty where we read more than kubectl."""
    why: str


DEVIATIONS: dict[str, Deviation] = {
    "duplicate-key": Deviation(
        (_HEAD.format("duplicate-key-one") + "value: 1\nvalue: 2\n").encode(),
        1,
        0,
        "yaml-duplicate-key",
        "the last one would win in silence",
    ),
    "duplicate-key-spelt-otherwise": Deviation(
        _wrapped("duplicate-key-spelt-otherwise-one", "{1: a, '1': b}").encode(),
        1,
        0,
        "yaml-duplicate-key",
        "which one wins is not even defined",
    ),
    "duplicate-key-json": Deviation(
        _json("duplicate-key-json-one", ', "value": 1, "value": 2').encode(), 1, 0, "yaml-duplicate-key", "as in YAML"
    ),
    "escaped-slash": Deviation(
        _wrapped("escaped-slash-one", r'"a\/b"').encode(), 0, 1, "", r"YAML 1.2 has \/, goyaml has not"
    ),
    "text-behind-separator": Deviation(
        b"--- {apiVersion: oracle.example/v1, kind: Case, metadata: {name: text-behind-separator-one}}\n",
        0,
        1,
        "",
        "YAML allows content behind ---, kubectl's splitter does not",
    ),
    "document-behind-end": Deviation(
        (_HEAD.format("document-behind-end-a") + "...\n" + _HEAD.format("document-behind-end-b")).encode(),
        1,
        1,
        "yaml-syntax",
        "kubectl drops in silence what follows '...'",
    ),
    "document-behind-separator-in-chunk": Deviation(
        (_HEAD.format("chunk-a") + "...\n--- !!map\n" + _HEAD.format("chunk-b")).encode(),
        0,
        2,
        "",
        "YAML allows a tag behind ---",
    ),
    "directive": Deviation(
        ("%YAML 1.1\n---\n" + _HEAD.format("directive-one")).encode(),
        0,
        1,
        "",
        "kubectl splits the directive from its document",
    ),
    "too-deep": Deviation(
        _wrapped("too-deep-one", "[" * 250 + "]" * 250).encode(),
        1,
        0,
        "yaml-expansion",
        "no object is nested that deep",
    ),
    "no-version": Deviation(
        b"kind: Case\nmetadata: {name: no-version}\n", 1, 0, "type-missing", "only a kubectl without a server takes it"
    ),
    "invalid-utf-8": Deviation(
        _wrapped("invalid-utf-8-one", "a").encode() + b"# \xff\n", 1, 0, "yaml-encoding", "goyaml never looks there"
    ),
    "utf-16": Deviation(
        b"\xff\xfe" + _HEAD.format("utf-16-one").encode("utf-16-le"), 1, 0, "yaml-encoding", "one encoding for all"
    ),
}
