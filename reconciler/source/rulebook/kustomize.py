"""Rules about kustomizations."""

ERRORS: dict[str, tuple[str, str]] = {
    "kustomization-not-found": (
        "a feed names a kustomization, and there is no kustomization file in that directory",
        "Write the directory as it stands in the repo, from its root.",
    ),
    "kustomization-namespace": (
        "a feed that names a kustomization names a namespace as well, which would change nothing",
        "Remove `namespace` from the feed; in the kustomization file it sets the namespace of all objects.",
    ),
    "kustomization-at-root": (
        "a kustomization file stands at the root of what is read, so that everything would belong to it",
        "Move it into a directory of its own, or add the file to `ignore` in fleet.yaml.",
    ),
    "kustomized-control-object": (
        "a control object (Subscription, Localization, HelmChart, …) stands in a directory that belongs to kustomize",
        "Move it out of the directory: control objects are read from files, never built.",
    ),
    "kustomization-missing": (
        "a kustomization names a file or directory that is not in the repo, or that kustomize may not read",
        "Correct the path; it is relative to the directory of the kustomization.",
    ),
    "kustomization-remote": (
        "a kustomization fetches something from elsewhere, and that is not allowed, or not possible offline",
        "Copy it into the repo, or set `kustomize.remoteBases: true` in fleet.yaml.",
    ),
    "kustomization-helm": (
        "a kustomization asks kustomize to run helm",
        "Deliver the chart with a HelmChart object.",
    ),
    "kustomization-failed": (
        "kustomize cannot build a kustomization",
        "Run `kubectl kustomize` on the directory, which says more.",
    ),
    "kustomization-empty": (
        "a kustomization builds no object at all",
        "Add `resources`. To remove what it delivered, remove the feed.",
    ),
    "kustomization-encrypted": (
        "a kustomization builds an object from a file that is encrypted with SOPS",
        "Take the file out of the kustomization, and name its object as a feed of its own.",
    ),
}

WARNINGS: dict[str, tuple[str, str]] = {}
