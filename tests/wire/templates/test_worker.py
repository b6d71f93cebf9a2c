"""The real worker: what templates may use, and that whatever they try ends as one fault in bounded time and memory."""

import asyncio
import base64
import json
import resource
import sys
import time
from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.adapters.tools import templates
from reconciler.model import templating
from reconciler.model.errors import ToolFailed
from reconciler.model.inflation import Fault, TemplateAnswer, TemplateRender
from reconciler.source import documents

CANARY = "c4n4ry-value"
VARIABLES: dict[str, Any] = {
    "cluster": {
        "name": "east",
        "id": "0e000000-0000-4000-8000-000000000001",
        "labels": {"region": "eu", "topology.kubernetes.io/zone": "eu-1", "items": "mine"},
        "annotations": {},
        "taints": [{"key": "a", "value": "", "effect": "NoSchedule"}],
    },
    "fleet": "demo",
    "values": {"replicas": 3, "on": True, "none": None, "secret": CANARY, "tags": ["b", "a"], "db": {"host": "db"}},
}


def read(text: str) -> templates.Reading:
    """Nothing is read of texts here."""
    return (), None


SORTED = "items region topology.kubernetes.io/zone "
DB = '{"host":"db"}'


def fill(*texts: str, **more: Any) -> list[TemplateAnswer]:
    context = json.dumps({**VARIABLES, **more}).encode()
    asked = [TemplateRender(f"{number}.yaml.j2", text, context) for number, text in enumerate(texts)]
    answers = asyncio.run(templates.filled(asked, read))
    return [answers[one] for one in asked]


def written(text: str, **more: Any) -> str:
    (answer,) = fill(text, **more)
    assert answer.fault is None
    return answer.text


def fault(text: str, **more: Any) -> Fault:
    (answer,) = fill(text, **more)
    assert answer.fault is not None
    assert answer.text == ""
    return answer.fault


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ cluster.name }}-{{ fleet }}", "east-demo"),
        ("{{ cluster.labels['topology.kubernetes.io/zone'] }}", "eu-1"),
        ("{{ cluster.labels.items }}", "mine"),
        ("{% for k, v in cluster.labels.items() %}x{% endfor %}", None),
        ("{% for k, v in cluster.labels | dictsort %}{{ k }} {% endfor %}", SORTED),
        ("{{ values.replicas * 2 }} {{ values.on }} {{ values.none }}", "6 true null"),
        ("{{ values.db }} {{ values.tags }}", '{"host":"db"} ["b","a"]'),
        ("{{ values.tags | sort | join('+') }}", "a+b"),
        ("{{ values.port | default(80) }}{{ values.db.port is defined }}", "80false"),
        ("{{ 'a: b' | quote }} {{ 5 | quote }} {{ 'é\"' | quote }}", '"a: b" "5" "é\\""'),
        ("{{ 'text' | b64encode }}", base64.b64encode(b"text").decode()),
        ("x:{{ 'a\nb' | nindent(2) }}", "x:\n  a\n  b"),
        ("x:\n  {{ values.db | to_yaml | indent(2) }}\n", "x:\n  host: db\n"),
        ("{{ values.db | tojson }} {{ values.db | toJson }} {{ values.db | toYaml }}", f"{DB} {DB} host: db"),
        ("a\n  {% if true %}\nb\n  {% endif %}\nc\n", "a\nb\nc\n"),
        ("{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m(1) }}", "[1]"),
        ("{% set ns = namespace(n=0) %}{% for i in range(3) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}", "3"),
        ("{{ cluster.taints[0].key }}", "a"),
        ("{{ 'region' in cluster.labels }}{{ cluster.labels | length }}", "true3"),
    ],
)  # fmt: skip
def test_language_of_templates(text: str, expected: str | None) -> None:
    if expected is None:
        assert fault(text).rule == "template-failed"  # the label called items comes first
    else:
        assert written(text) == expected


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, {"b": [[], {}], "c": None}], "d": "yes", "e": "1e3", "f": "x: y", "g": " x", "h": "two\nlines\n"},
        ["- a", "", "#", "null", "2024-01-01", "0644", "~", "\u0085\u2028\x7f", "é", "\U0001f600", "a/b-c.d_e", "="],
        {"true": True, "1": 1.5, "": [[["x"]]], "k: v": {"x": {}}, "y": "y"},
        "text", 5, None, [], {},
    ],
    ids=str,
)  # fmt: skip
def test_yaml_and_json_that_filters_write_are_read_as_the_same_value(value: Any) -> None:
    as_yaml = written("{{ values.x | to_yaml }}", values={"x": value})
    as_json = written("{{ values.x | to_json }}", values={"x": value})
    inside = written("a:\n  b:{{ values.x | to_yaml | nindent(4) }}\n", values={"x": value})
    for text in (as_yaml, as_json):
        read = documents.everything(text.encode())
        assert read.faults == ()
        assert [document.value for document in read.documents] == ([] if value is None else [value])
    assert documents.everything(inside.encode()).documents[0].value == {"a": {"b": value}}


NESTED = "(" * 4000 + "1" + ")" * 4000
DOUBLING = (
    "{% set ns = namespace(x='0123456789') %}\n{% for i in range(60) %}\n{% set ns.x = ns.x ~ ns.x %}\n{% endfor %}"
)
ATTACKS: dict[str, tuple[str, str, int]] = {
    "endless recursion": ("{% macro m() %}\n{{ m() }}{% endmacro %}\n{{ m() }}", "template-failed", 2),
    "two macros that call each other": (
        "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}\n{{ a() }}", "template-failed", 1,
    ),
    "nested expression": ("{{ " + NESTED + " }}", "template-failed", 0),
    "range of a thousand million": ("\n{{ range(10**9) | list }}", "template-limit", 2),
    "loops in loops": (
        "{% for a in range(99999) %}\n{% for b in range(99999) %}{% endfor %}{% endfor %}", "template-limit", 2,
    ),
    "text times a thousand million": ("a\n{{ 'a' * 10**9 }}", "template-limit", 2),
    "a thousand million times text": ("{{ 10**9 * 'a' }}", "template-limit", 1),
    "list times a million": ("{{ [1, 2] * 10**8 }}", "template-limit", 1),
    "text that doubles": (DOUBLING, "template-limit", 3),
    "power of a power": ("{{ 10**(10**10) }}", "template-limit", 1),
    "number that is squared": (
        "{% set ns = namespace(x=3) %}\n{% for i in range(99) %}\n{% set ns.x = ns.x * ns.x %}\n{% endfor %}",
        "template-limit", 3,
    ),
    "power of a power by filter": ("{{ 1.5 | round(10**9, 'ceil') }}", "template-limit", 1),
    "shifted by format": ("{{ '%1000000000d' | format(1) }}", "template-limit", 1),
    "format with a width": ("{{ '{:1000000000}'.format(1) }}", "template-limit", 1),
    "center": ("{{ 'a' | center(10**9) }}", "template-limit", 1),
    "zfill": ("{{ 'a'.zfill(10**9) }}", "template-limit", 1),
    "join": ("{{ range(99999) | join('x' * 4000) }}", "template-limit", 1),
    "replace": ("{{ ('a' * 40000) | replace('a', 'b' * 40000) }}", "template-limit", 1),
    "indent": ("{{ ('a\n' * 1000) | indent(10**7) }}", "template-limit", 2),
    "batch": ("{{ [1] | batch(10**9, 'x') | list }}", "template-limit", 1),
    "much output": ("{% for i in range(99999) %}{{ 'x' * 1000 }}{% endfor %}", "template-limit", 1),
    "a hundred MB at once": ("{{ ('x' * 4000000) * 25 }}", "template-limit", 1),
    "digits of an enormous number": ("{{ 2**30000 }}", "template-failed", 1),
    "class": ("{{ ''.__class__.__mro__ }}", "template-forbidden", 1),
    "class by subscript": ("{{ ''['__class__'] }}", "template-forbidden", 1),
    "class by filter": ("{{ '' | attr('__class__') }}", "template-syntax", 1),
    "class by format": ("{{ '{0.__class__.__init__.__globals__}'.format(1) }}", "template-forbidden", 1),
    "class by format_map": ("{{ '{a.__class__}'.format_map({'a': 1}) }}", "template-forbidden", 1),
    "class by map": ("{{ [1] | map(attribute='__class__') | list }}", "template-failed", 1),
    "class by formatted name": ("{{ ''['_' ~ '_class_' ~ '_'] }}", "template-forbidden", 1),
    "globals of cycler": ("{{ cycler.__init__.__globals__.os }}", "template-forbidden", 1),
    "globals of lipsum": ("{{ lipsum.__globals__ }}", "template-undefined", 1),
    "globals of a macro": ("{% macro m() %}{% endmacro %}{{ m.__globals__ }}", "template-undefined", 1),
    "template itself": ("{{ self.__init__ }}", "template-forbidden", 1),
    "frames of a generator": ("{{ (range(3) | map('string')).gi_frame }}", "template-forbidden", 1),
    "insides of variables": ("{{ cluster._values }}", "template-undefined", 1),
    "changing variables": ("{{ values.tags.append(1) }}", "template-forbidden", 1),
    "include": ("{% include '/etc/passwd' %}", "template-forbidden", 1),
    "import": ("\n{% import 'os' as os %}", "template-forbidden", 2),
    "extends": ("{% extends '../fleet.yaml' %}", "template-forbidden", 1),
    "function written": ("{{ range }}", "template-failed", 1),
    "function written by joining": ("{{ 'x' ~ range }}", "template-failed", 0),
    "unknown filter": ("\n\n{{ 1 | shell }}", "template-syntax", 3),
    "chance": ("{{ [1, 2] | random }}", "template-syntax", 1),
    "not jinja2": ("\n{{ 1", "template-syntax", 2),
    "wrong types": ("{{ 'a' + 1 }}", "template-failed", 1),
    "division by zero": ("{{ 1 / 0 }}", "template-failed", 1),
}  # fmt: skip


GIGABYTE = (1 << 20) * (1 if sys.platform == "linux" else 1024)
_BEFORE: list[int] = []


def largest_child() -> int:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


@pytest.fixture(scope="module")
def attacked() -> tuple[Mapping[str, TemplateAnswer], float]:
    _BEFORE.append(largest_child())
    began = time.monotonic()
    answers = fill(*(text for text, _, _ in ATTACKS.values()), "{{ cluster.name }}")
    assert answers[-1].text == "east"
    return dict(zip(ATTACKS, answers, strict=False)), time.monotonic() - began


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_is_one_fault(name: str, attacked: tuple[Mapping[str, TemplateAnswer], float]) -> None:
    _, rule, line = ATTACKS[name]
    answer = attacked[0][name]
    assert answer.text == ""
    assert answer.fault is not None
    assert (answer.fault.rule, answer.fault.line) == (rule, line)
    assert len(answer.fault.message) < 200


def test_attacks_end_in_bounded_time_and_memory(attacked: tuple[Mapping[str, TemplateAnswer], float]) -> None:
    assert attacked[1] < 60  # three of them use up their two seconds; the machine may have other things to do
    # the largest child that this process ever had: one of an earlier test may have been larger than any of ours
    assert largest_child() < max(GIGABYTE, _BEFORE[0] + 1)


def test_worker_can_open_nothing_and_start_nothing() -> None:
    program = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from reconciler.adapters.tools import templateworker\n"
        "templateworker.confine()\n"
        "import os, socket\n"
        "def tried(what):\n"
        "    try: what(); return 'done'\n"
        "    except OSError: return 'refused'\n"
        "print(tried(lambda: open('/etc/hostname')), tried(socket.socket), tried(os.pipe))\n"
    )
    import subprocess

    packages = templates._packages()
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", "import socket\n" + program, *packages],
        capture_output=True,
        text=True,
        env={},
    )
    assert ended.stdout.split() == ["refused", "refused", "refused"], ended.stderr


UNDEFINED = [
    ("{{ cluster.labels.regoin }}", "'cluster.labels.regoin' is not defined", "Did you mean 'cluster.labels.region'?"),
    ("{{ clutser.name }}", "'clutser' is not defined", "Did you mean 'cluster'?"),
    ("{{ nothing }}", "'nothing' is not defined", "There are cluster, fleet, values."),
    ("{{ cluster['nam'] }}", "'cluster.nam' is not defined", "Did you mean 'cluster.name'?"),
    ("{{ cluster.name.x }}", "there is no 'x' in what it is looked for in", ""),
    ("{% if values.db.port > 1 %}{% endif %}", "'values.db.port' is not defined", ""),
    ("{{ values.tags[7] }}", "it looks for a member that is not there", ""),
]


@pytest.mark.parametrize(("text", "message", "hint"), UNDEFINED)
def test_undefined_variable_is_named_with_its_neighbour(text: str, message: str, hint: str) -> None:
    assert fault(f"a: b\n{text}") == Fault("template-undefined", message, hint, 2)


LEAKS = [
    "{{ cluster.labels[values.secret] }}",
    "{{ values.secret + 1 }}",
    "{{ values.secret | round }}",
    "{{ [1][values.secret] }}",
    "{{ values.secret.nothing }}",
    "{{ values[values.secret] }}",
    "{{ values.secret() }}",
    "{{ '%d' | format(values.secret) }}",
    "{{ {}[values.secret].x }}",
    "{% for a, b, c in [values.secret, 1] %}{% endfor %}",
    "{{ values.secret | selectattr(values.secret) | list }}",
    "{{ [values] | map(values.secret) | list }}",
]


@pytest.mark.parametrize("text", LEAKS)
def test_fault_never_tells_a_value(text: str) -> None:
    found = fault(text)
    assert CANARY not in f"{found.message} {found.hint}"
    assert found.line == 1


def contexts(count: int) -> list[bytes]:
    return [
        json.dumps({**VARIABLES, "cluster": {"name": f"c{n}", "labels": {"tier": "ab"[n % 2]}}}).encode()
        for n in range(count)
    ]


def test_clusters_that_differ_in_what_is_not_read_are_filled_once() -> None:
    text = "{{ cluster.labels.tier }}{% if cluster.labels.tier == 'a' %}{{ values.replicas }}{% endif %}"
    asked = [TemplateRender("x", text, context) for context in contexts(1000)]
    began = time.process_time()
    answers = asyncio.run(templates.filled(asked, read))
    assert time.process_time() - began < 1
    assert [answers[one].text for one in asked[:4]] == ["a3", "b", "a3", "b"]
    assert len({id(answer) for answer in answers.values()}) == 2
    assert answers[asked[0]].reads == ("cluster.labels.tier", "values.replicas")


def test_thousand_clusters_that_differ_are_filled_in_seconds() -> None:
    asked = [TemplateRender("x", "{{ cluster.name }}", context) for context in contexts(1000)]
    began = time.monotonic()
    answers = asyncio.run(templates.filled(asked, read))
    assert time.monotonic() - began < 10
    assert [answers[one].text for one in asked] == [f"c{n}" for n in range(1000)]


@pytest.mark.parametrize(
    ("text", "one", "other"),
    [
        ("{{ values.a is defined }}", {}, {"a": 1}),
        ("{{ values.a.b is defined }}", {"a": {}}, {"a": {"b": 1}}),
        ("{{ values.a is string }}", {"a": 1}, {"a": "1"}),
        ("{{ values.a | quote }}", {"a": True}, {"a": 1}),
        ("{{ values | length }}", {"a": 1}, {"a": 1, "b": 2}),
        ("{{ values | to_json }}", {"a": 1}, {"a": 2}),
        ("{% for key in values.a %}{{ key }}{% endfor %}", {"a": {"x": 1}}, {"a": {"y": 1}}),
        ("{{ values == {'a': 1} }}", {"a": 1}, {"a": 2}),
        ("{{ 'a' in values }}", {"a": 1}, {}),
        ("{{ values.a ~ '' }}", {"a": {"x": 1}}, {"a": {"x": 2}}),
        ("{{ dict(values, b=1) }}", {"a": 1}, {"a": 2}),
        ("{{ values.values() | list }}", {"a": 1}, {"a": 2}),
        ("{{ [values] | map(attribute='a') | list }}", {"a": 1}, {"a": 2}),
        ("{{ values.get('a', 5) }}", {"a": 1}, {}),
        ("{{ fleet }}{{ values | string }}", {"a": 1}, {"a": 2}),
    ],
)  # fmt: skip
def test_whatever_way_a_variable_is_read_another_value_gives_another_text(text: str, one: Any, other: Any) -> None:
    asked = [TemplateRender("x", text, json.dumps({**VARIABLES, "values": v}).encode()) for v in (one, other)]
    together = asyncio.run(templates.filled(asked, read))
    alone = [written(text, values=values) for values in (one, other)]
    assert [together[question].text for question in asked] == alone
    assert alone[0] != alone[1]


def test_template_beyond_a_limit_is_not_tried_for_every_cluster() -> None:
    asked = [TemplateRender("x", "{{ cluster.name }}{{ 'x' * 10**9 }}", context) for context in contexts(200)]
    assert len({id(answer) for answer in asyncio.run(templates.filled(asked, read)).values()}) == 1


def test_nothing_is_started_for_nothing() -> None:
    assert asyncio.run(templates.filled([], read)) == {}


def test_cancelled_call_leaves_no_worker() -> None:
    async def cancelled() -> None:
        asked = [
            TemplateRender(str(n), "{% for a in range(99999) %}{{ a }}{% endfor %}" + " " * n, b"{}") for n in range(50)
        ]
        task = asyncio.ensure_future(templates.filled(asked, read))
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    began = time.monotonic()
    asyncio.run(cancelled())
    assert time.monotonic() - began < 5


def test_names_of_filters_are_those_that_reading_knows() -> None:
    from reconciler.adapters.tools import templateworker
    from reconciler.source import templates as source

    environment = templateworker.Sandbox()
    known = {kind.__name__: names for kind, names in source._words().items()}
    assert set(environment.filters) == known["Filter"]
    assert set(environment.tests) == known["Test"]
    assert set(environment.globals) == set(templating.GLOBALS)


@pytest.mark.parametrize(
    ("line", "origin"),
    [(1, 1), (2, 4), (3, 4), (4, 6), (5, 7), (6, 6), (7, 7), (8, 9), (9, 10)],
)
def test_line_of_what_was_filled_is_traced_to_the_template(line: int, origin: int) -> None:
    loop = "{% endif %}{% for i in [1, 2] %}\n  item: {{ i }}\n  x: y\n{% endfor %}\n"
    text = "a: b\n{# c #}\n{% if fleet %}\n{{ values.two }}\n" + loop + "end: 1\nlast: 2\n"

    def wrong(_: str) -> templates.Reading:
        return (), Fault("template-yaml", "wrong", line=line)

    question = TemplateRender("x", text, json.dumps({**VARIABLES, "values": {"two": "p: 1\nq: 2"}}).encode())
    answer = asyncio.run(templates.filled([question], wrong))[question]
    assert answer.fault == Fault("template-yaml", "wrong", line=origin)


HELLO = "import struct, sys; out = sys.stdout.buffer; out.write(struct.pack('>I', 2) + b'{}'); out.flush(); "
STRANGE = {
    "ends": "sys.stdin.buffer.read(5)",
    "says what is no JSON": "out.write(struct.pack('>I', 3) + b'abc'); out.flush(); sys.stdin.read()",
    "says what nobody asked": "out.write(struct.pack('>I', 7) + b'{\"a\":1}'); out.flush(); sys.stdin.read()",
    "says too much": "out.write(struct.pack('>I', 1 << 30)); out.flush(); sys.stdin.read()",
}


@pytest.mark.parametrize("program", STRANGE.values(), ids=STRANGE.keys())
def test_worker_that_goes_wrong_costs_one_fault_each(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "_PROGRAM", HELLO + program)
    assert [answer.fault and answer.fault.rule for answer in fill("a", "b")] == ["template-limit", "template-limit"]


def test_worker_that_is_silent_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "_PROGRAM", HELLO + "sys.stdin.read()")
    monkeypatch.setattr(templates, "_PATIENCE", 0.2)
    assert fault("a").rule == "template-limit"


def test_worker_that_cannot_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "_PROGRAM", "raise SystemExit(1)")
    with pytest.raises(ToolFailed, match="cannot be started"):
        fill("a")
