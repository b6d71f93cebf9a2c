"""`reconciler --help` imports click and our own few modules; everything heavy waits until a command needs it."""

import subprocess
import sys

ALLOWED = {"click", "reconciler", "msgspec"}
HEAVY = {
    "aiohttp", "asyncio", "git", "kubernetes", "jinja2", "msgspec", "rich", "ruamel", "structlog", "watchdog", "yaml",
}  # fmt: skip


def imported_by(*arguments: str) -> set[str]:
    code = (
        "import sys; sys.argv = ['reconciler', *sys.argv[1:]]\n"
        "from reconciler.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('\\n'.join(sorted({name.partition('.')[0] for name in sys.modules})), file=sys.stderr)"
    )
    answer = subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True)
    return set(answer.stderr.split())


def test_help_imports_nothing_heavy() -> None:
    third_party = imported_by("--help") - sys.stdlib_module_names
    assert not third_party & HEAVY
    assert {name for name in third_party if not name.startswith("_")} <= ALLOWED | {"site", "sitecustomize"}


def test_version_imports_no_cluster_and_no_git_library() -> None:
    assert not imported_by("version") & (HEAVY - {"msgspec"})
