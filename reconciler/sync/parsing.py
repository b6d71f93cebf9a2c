"""What the files of a tree say, each blob parsed once and remembered by id across runs.

The same content may be a file of several sorts: objects, a template, values for templates.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from reconciler.adapters.cache import Cache
from reconciler.model.objects import BlobId
from reconciler.model.settings import Settings
from reconciler.model.tree import Tree
from reconciler.source import datafiles, documents, layout, templates
from reconciler.source.read import Texts
from reconciler.sync.tools import Blobs


class _Sort(msgspec.Struct, frozen=True):
    """How files of one sort are read."""

    selected: Callable[[Tree, Settings], Mapping[str, BlobId]]
    parse: Callable[[bytes], Any]
    decoder: msgspec.msgpack.Decoder[Any]
    suffix: str
    """Tells what is remembered of one sort from another."""


_files: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(documents.ParsedFile)
_templates: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(templates.ParsedTemplate)
_encoder = msgspec.msgpack.Encoder()
_SORTS = (
    _Sort(layout.selected, documents.parse, _files, ""),
    _Sort(layout.templates, templates.parse, _templates, ".template"),
    _Sort(datafiles.selected, documents.everything, _files, ".values"),
)


async def parsed(
    tree: Tree, settings: Settings, blobs: Blobs, cache: Cache
) -> tuple[Mapping[BlobId, documents.ParsedFile], Texts]:
    """Every file that `source.read.read` asks for: those of objects, and the others."""
    asked = {BlobId(blob + s.suffix): (s, blob) for s in _SORTS for blob in set(s.selected(tree, settings).values())}
    known = {name: asked[name][0].decoder.decode(content) for name, content in cache.remember(asked).items()}
    missing = {name: asked[name] for name in asked.keys() - known.keys()}
    if missing:
        contents = await blobs.blobs({blob for _, blob in missing.values()})
        fresh = {name: sort.parse(contents[blob]) for name, (sort, blob) in missing.items()}
        cache.store({name: _encoder.encode(content) for name, content in fresh.items()})
        known.update(fresh)
    objects, made, data = ({blob: known[name] for name, (s, blob) in asked.items() if s is sort} for sort in _SORTS)
    return objects, Texts(made, data)
