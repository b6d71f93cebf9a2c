"""Rules about encrypted files."""

ERRORS: dict[str, tuple[str, str]] = {
    "sealed-identity": (
        "an encrypted file hides `apiVersion`, `kind` or something of `metadata`",
        "Encrypt values only: `encrypted_regex: ^(data|stringData)$` in .sops.yaml.",
    ),
    "sealed-keys": (
        "a file is encrypted with SOPS for other keys than age and PGP",
        "Encrypt it for an age or PGP key as well.",
    ),
    "sealed-without-keys": (
        "a Secret holds values that SOPS encrypted, without the `sops` member that belongs to them",
        "Restore the file as `sops` wrote it; a document or item of a List cannot be taken out of it.",
    ),
    "sealed-list": (
        "a List is encrypted as a whole",
        "Write its objects as documents, and encrypt the file again.",
    ),
    "sealed-together": (
        "objects go to files, and an encrypted document shares its file with others, for which `sops` signs as one",
        "Give each encrypted object a file of its own.",
    ),
    "override-encrypted": (
        "an override, or divided replicas, would change an encrypted object",
        "Write another encrypted file for those clusters, and remove the override.",
    ),
}

WARNINGS: dict[str, tuple[str, str]] = {}
