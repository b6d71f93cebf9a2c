"""What files say is remembered by blob, for each sort of file by itself."""

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path

from reconciler.adapters.cache import Cache
from reconciler.model.objects import BlobId
from reconciler.model.settings import Settings, Templates
from reconciler.model.tree import Tree
from reconciler.sync.parsing import parsed

SAME = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: web}\n"
ONE = BlobId("1" * 40)


class Files:
    """Contents in memory, and how often they were asked for."""

    def __init__(self, contents: Mapping[BlobId, bytes]) -> None:
        self.contents = contents
        self.asked: list[frozenset[BlobId]] = []

    async def blobs(self, ids: Iterable[BlobId]) -> Mapping[BlobId, bytes]:
        self.asked.append(frozenset(ids))
        return {blob: self.contents[blob] for blob in self.asked[-1]}


def test_same_content_is_an_object_a_template_and_values_and_is_fetched_once(tmp_path: Path) -> None:
    tree = Tree({"a.yaml": ONE, "b.yaml.j2": ONE, "values.yaml": ONE}, None)
    settings = Settings(fleet="demo", templates=Templates(values=("values.yaml",)))
    files = Files({ONE: SAME})
    for _ in range(2):
        objects, texts = asyncio.run(parsed(tree, settings, files, Cache(tmp_path, "repo", "1")))
        assert objects[ONE].documents[0].value["kind"] == "ConfigMap"
        assert texts.templates[ONE].text == SAME.decode()
        assert texts.data[ONE].documents[0].value["metadata"] == {"name": "a", "namespace": "web"}
    assert files.asked == [{ONE}]


def test_tree_without_templates_asks_for_its_objects_only(tmp_path: Path) -> None:
    files = Files({ONE: SAME})
    objects, texts = asyncio.run(
        parsed(Tree({"a.yaml": ONE}, None), Settings(fleet="demo"), files, Cache(tmp_path, "r", "1"))
    )
    assert (len(objects), texts.templates, texts.data) == (1, {}, {})
