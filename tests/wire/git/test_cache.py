"""What may be forgotten is forgotten without harm: damage, other versions, other runs, no rights."""

import os
import shutil
import threading
from pathlib import Path

import msgspec
import pytest

from reconciler.adapters.cache import Cache
from reconciler.model.objects import BlobId


class Last(msgspec.Struct, frozen=True):
    commit: str
    units: int = 0


def blobs(first: int, last: int, size: int = 20) -> dict[BlobId, bytes]:
    return {BlobId(f"{number:040x}"): b"%d" % number * size for number in range(first, last)}


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path, "repo", "1")


def test_what_was_stored_is_remembered_by_the_next_run(cache: Cache, tmp_path: Path) -> None:
    cache.store(blobs(0, 100))
    cache.store(blobs(100, 150))
    again = Cache(tmp_path, "repo", "1")
    assert again.remember(blobs(50, 200)) == blobs(50, 150)
    assert again.remember([]) == {}
    assert Cache(tmp_path, "other", "1").remember(blobs(0, 9)) == {}


def test_another_version_is_not_used_and_is_replaced(cache: Cache, tmp_path: Path) -> None:
    cache.store(blobs(0, 10))
    cache.keep("last", Last("a"))
    newer = Cache(tmp_path, "repo", "2")
    assert newer.remember(blobs(0, 10)) == {}
    assert newer.record("last", Last) is None
    newer.store(blobs(5, 6))
    assert Cache(tmp_path, "repo", "2").remember(blobs(0, 10)) == blobs(5, 6)


@pytest.mark.parametrize("cut", [1, 10, 60, 100])
def test_a_file_that_was_cut_off_keeps_its_beginning_and_grows_again(cache: Cache, tmp_path: Path, cut: int) -> None:
    cache.store(blobs(0, 10))
    (file,) = (tmp_path / "parsed").glob("*.bin")
    os.truncate(file, file.stat().st_size - cut)
    before = Cache(tmp_path, "repo", "1").remember(blobs(0, 10))
    assert 0 < len(before) < 10
    Cache(tmp_path, "repo", "1").store(blobs(10, 12))
    assert Cache(tmp_path, "repo", "1").remember(blobs(0, 12)) == {**before, **blobs(10, 12)}


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"reconciler-cache-2 1\n" + b"\xff" * 50], ids=repr)
def test_garbage_is_the_same_as_nothing(cache: Cache, tmp_path: Path, content: bytes) -> None:
    cache.store(blobs(0, 3))
    cache.keep("last", Last("a"))
    (file,) = (tmp_path / "parsed").glob("*.bin")
    (record,) = (tmp_path / "runs" / "repo").iterdir()
    file.write_bytes(content)
    record.write_bytes(content)
    assert cache.remember(blobs(0, 3)) == {}
    assert cache.record("last", Last) is None
    cache.store(blobs(0, 3))
    assert cache.remember(blobs(0, 3)) == blobs(0, 3)


def test_a_byte_that_was_turned_is_noticed(cache: Cache, tmp_path: Path) -> None:
    cache.store(blobs(0, 10))
    (file,) = (tmp_path / "parsed").glob("*.bin")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    found = cache.remember(blobs(0, 10))
    assert found == {name: blobs(0, 10)[name] for name in found}
    assert len(found) < 10


def test_a_record_is_read_back_and_one_of_another_shape_is_not(cache: Cache) -> None:
    assert cache.record("last", Last) is None
    cache.keep("last", Last("abc", 7))
    assert cache.record("last", Last) == Last("abc", 7)

    class Other(msgspec.Struct):
        x: int

    assert cache.record("last", Other) is None


def test_nobody_else_reads_what_is_remembered(cache: Cache, tmp_path: Path) -> None:
    cache.store(blobs(0, 3))
    cache.keep("last", Last("a"))
    kept = [*(tmp_path / "parsed").glob("*.bin"), *(tmp_path / "runs" / "repo").iterdir()]
    assert len(kept) == 2
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
    assert {path.parent.stat().st_mode & 0o777 for path in kept} == {0o700}


def test_a_deleted_directory_is_made_again_and_one_without_rights_is_no_error(cache: Cache, tmp_path: Path) -> None:
    cache.store(blobs(0, 3))
    shutil.rmtree(tmp_path / "parsed")
    assert cache.remember(blobs(0, 3)) == {}
    cache.store(blobs(0, 3))
    assert cache.remember(blobs(0, 3)) == blobs(0, 3)
    nowhere = Cache(Path("/proc/nowhere"), "repo", "1")
    nowhere.store(blobs(0, 3))
    nowhere.keep("last", Last("a"))
    assert nowhere.remember(blobs(0, 3)) == {}


def test_what_nobody_asks_for_any_more_is_dropped_in_time(cache: Cache, tmp_path: Path) -> None:
    for turn in range(20):
        cache.store(blobs(turn * 10, turn * 10 + 10, size=30_000))
        cache.remember(blobs(turn * 10, turn * 10 + 10))
    (file,) = (tmp_path / "parsed").glob("*.bin")
    assert file.stat().st_size < 12 * 10 * 90_000
    assert cache.remember(blobs(190, 200)) == blobs(190, 200, size=30_000)


def test_runs_that_write_at_once_all_are_remembered(tmp_path: Path) -> None:
    def run(number: int) -> None:
        mine = Cache(tmp_path, "repo", "1")
        for turn in range(20):
            mine.store(blobs(number * 100 + turn, number * 100 + turn + 1))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everything = {BlobId(f"{n * 100 + t:040x}"): b"%d" % (n * 100 + t) * 20 for n in range(4) for t in range(20)}
    assert Cache(tmp_path, "repo", "1").remember(everything) == everything


def test_value_of_the_repo_does_not_stand_in_the_cache_as_text(tmp_path: Path) -> None:
    cache = Cache(tmp_path, "repo", "1")
    cache.store({BlobId("a" * 40): b"password: canary-7f3a91"})
    assert cache.remember(["a" * 40]) == {"a" * 40: b"password: canary-7f3a91"}
    assert not any(b"canary" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
