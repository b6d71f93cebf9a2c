"""Archives of charts are untrusted: bombs, paths that lead out and endless nesting are one fault in bounded time."""

import gzip
import io
import tarfile
from collections.abc import Mapping

import pytest

from reconciler.adapters.tools.chartfiles import BadChart, of_archive, of_files

CHART = {"web/Chart.yaml": b"name: web\nversion: 1.10\n", "web/values.yaml": b"a: 1\n"}


def archive(files: Mapping[str, bytes], **more: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info in more.values():
            tar.addfile(info)
    return buffer.getvalue()


def link(path: str, to: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.type, info.linkname = tarfile.SYMTYPE, to
    return info


def nested(depth: int) -> bytes:
    inner = archive(CHART)
    for _ in range(depth):
        inner = archive({**CHART, "web/charts/web.tgz": inner})
    return inner


def test_an_archive_and_its_directory_are_the_same_chart() -> None:
    packed, loose = of_archive(archive(CHART)), of_files({path[4:]: text for path, text in CHART.items()})
    assert packed == loose
    assert (packed.name, packed.version) == ("web", "1.10")


def test_a_packed_subchart_lies_below_its_name() -> None:
    found = of_archive(
        archive({**CHART, "web/charts/db-1.0.0.tgz": archive({"db/Chart.yaml": b"name: db\nversion: 1\n"})})
    )
    assert "charts/db/Chart.yaml" in found.files


def test_links_are_no_files() -> None:
    assert "secret" not in of_archive(archive(CHART, a=link("web/secret", "/etc/passwd"))).files


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"no archive", "damaged"),
        (gzip.compress(b"no archive"), "damaged"),
        (archive(CHART)[:-20], "cut off"),
        (gzip.compress(bytes(100 << 20)), "larger than 64 MiB"),
        (archive({**CHART, "web/../../etc/cron.d/x": b"x"}), "leads out of it"),
        (archive({**CHART, "/etc/cron.d/x": b"x"}), "leads out of it"),
        (archive({f"web/{number}": b"" for number in range(10_001)}), "larger than any chart"),
        (nested(10), "nested more than 8 deep"),
        (archive({"web/values.yaml": b""}), "no Chart.yaml"),
        (archive({"web/Chart.yaml": b"a: [\n"}), "not valid YAML"),
        (archive({"web/Chart.yaml": b"- a\n"}), "no Chart.yaml"),
    ],
    ids=["text", "gzip", "cut", "bomb", "dots", "absolute", "many", "deep", "bare", "broken", "list"],
)
def test_an_archive_that_is_none_is_one_fault(content: bytes, told: str) -> None:
    with pytest.raises(BadChart, match=told) as error:
        of_archive(content)
    assert error.value.fault.rule == "chart-invalid"


def test_subcharts_that_are_small_and_many_are_bounded_together() -> None:
    def filler(number: int) -> bytes:
        return archive({"s/Chart.yaml": f"name: s{number}\nversion: 1\n".encode(), "s/b": bytes(20 << 20)})

    with pytest.raises(BadChart, match="larger than 64 MiB"):
        of_archive(archive({**CHART, **{f"web/charts/{number}.tgz": filler(number) for number in range(4)}}))
