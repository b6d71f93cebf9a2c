"""Rules about charts."""

ERRORS = {
    "chart-version": (
        "the version of a chart is no version and no range, or a range that no version can fit",
        "Write a version (`1.2.3`), a range (`^1.2`, `>=1.2 <2`), or leave it out for the newest stable one.",
    ),
    "chart-path": (
        "a HelmChart names a directory of the repo that holds no such chart",
        "Write in `repo` the directory of the chart, or the one that it is in, from the root of the repo.",
    ),
    "chart-secret": (
        "credentials of a chart repository stand in the repo in clear",
        "Remove and replace them; name environment variables under `charts` in fleet.yaml, or a Secret of the hub.",
    ),
    "chart-credentials": (
        "credentials of a chart repository are named and not there where this runs",
        "Set the environment variable, or create the Secret on the hub.",
    ),
    "chart-refused": (
        "a chart repository refuses us, or its certificate is not trusted",
        "Correct the credentials, or name the authority with `charts.repositories[].caFile`.",
    ),
    "chart-unreachable": (
        "a chart repository does not answer, so that what is there stays",
        "Run again later, or look at the server.",
    ),
    "chart-not-found": (
        "a chart repository answers, and has no such chart or no version that fits",
        "Correct `repo`, `chart` or `version`.",
    ),
    "chart-not-verified": (
        "`charts.keyring` is given, and no key of it has signed a chart as it is",
        "Do not use the chart; ask its makers, or add their key to the keyring.",
    ),
    "chart-offline": (
        "a chart was not fetched yet, and `--offline` fetches nothing",
        "Run once without `--offline`, with the same cache.",
    ),
    "chart-invalid": (
        "a chart is broken, whatever values it gets",
        "Correct the chart, or choose another version.",
    ),
    "chart-values": (
        "the values of a chart do not fit its schema",
        "Correct the overrides that make the values.",
    ),
    "chart-render": (
        "helm cannot render a chart with these values",
        "Run `helm template` by hand to see its own words.",
    ),
    "no-program": (
        "a program that is needed is not installed",
        "Install it into PATH, or name it in the environment (`RECONCILER_HELM`).",
    ),
    "chart-object": (
        "a chart makes something that is no object of Kubernetes, or one object twice",
        "Correct the chart, or the values that it is given.",
    ),
    "release-twice": (
        "two HelmCharts would be one Helm release (name and namespace) on a cluster",
        "Give one of the HelmCharts another name or another `targetNamespace`.",
    ),
    "not-rendered": (
        "nobody said what comes of a chart or template, so that what is there stays",
        "Run the command again where helm can be run.",
    ),
}

WARNINGS = {
    "chart-varies": (
        "a chart draws values by chance or looks at the clock, so that objects change without a commit",
        "Give it the values that it draws by chance: passwords, keys, certificates, names.",
    ),
    "chart-name-twice": (
        "the address of an OCI registry ends with the name of the chart, which is added once more",
        "Leave the name of the chart out of `repo`.",
    ),
    "chart-hooks-not-run": (
        "a chart has hooks, which only a delivery to clusters runs",
        "Deliver to clusters (`delivery.to: clusters`), or say with `disableHooks: true` that you know.",
    ),
}
