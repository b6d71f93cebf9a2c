"""Rules about fleet.yaml."""

ERRORS = {
    "no-settings": ("there is no fleet.yaml at the root of the repo", "Run `reconciler init`, or write one."),
    "settings-access": (
        "an access in fleet.yaml does not say exactly one way to reach the cluster",
        "Keep one of the members.",
    ),
    "settings-credential": (
        "fleet.yaml holds a credential",
        "Remove it, change the credential, and let git or the environment supply it.",
    ),
    "settings-path": (
        "a root or path in fleet.yaml is absolute or leads out of the repo",
        "Write a path relative to the root of the repo.",
    ),
    "settings-branch": ("a branch name or prefix in fleet.yaml cannot be one in Git", "Choose a valid name."),
    "settings-key": ("a key in fleet.yaml is no public key of its kind", "Write the public key."),
    "settings-parent": (
        "clusters come from a parent, and fleet.yaml does not say how to reach it",
        "Add `clusters.parent`.",
    ),
    "settings-replicas": (
        "`scheduling.replicaPaths` in fleet.yaml has a pointer that is none, or one kind twice",
        "Write a JSON pointer: `/spec/replicas`, each kind once.",
    ),
    "settings-charts": (
        "fleet.yaml contradicts itself in what it says of chart repositories, or names a file that is not there",
        "Correct it.",
    ),
    "access-missing": (
        "objects go to clusters, and fleet.yaml does not say how to reach a declared one",
        "Add it below `clusters.access`.",
    ),
}

WARNINGS = {
    "root-empty": ("a root in fleet.yaml holds no files that are read", "Correct `roots`."),
    "access-unknown": (
        "fleet.yaml says how to reach a cluster that is not declared",
        "Correct the name, or remove it.",
    ),
    "cluster-unused": (
        "a ManagedCluster is declared, and fleet.yaml takes clusters from a parent",
        "Remove the file, let `reconciler cluster export` write it, or write `from: repo` in fleet.yaml.",
    ),
    "ignored-field": ("a field has no effect beside the others", "Remove it, or change what makes it void."),
}
