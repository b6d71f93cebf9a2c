"""Objects without what only servers write: it means nothing on another cluster."""

from reconciler.model.objects import Object

_SERVER_WRITES = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
"""Members of `metadata`; owner references would make another cluster's collector take the object."""


def without_server_writes(body: Object) -> Object:
    """The object without `status` and without the members of its metadata that a server writes; itself if it has none.

    Precondition: its metadata is a mapping.
    """
    metadata = body["metadata"]
    if not _SERVER_WRITES.isdisjoint(metadata):
        metadata = {key: value for key, value in metadata.items() if key not in _SERVER_WRITES}
    elif "status" not in body:
        return body
    return {key: metadata if key == "metadata" else value for key, value in body.items() if key != "status"}
