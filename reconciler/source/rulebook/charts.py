"""Rules about charts."""

ERRORS = {
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
    "chart-hooks-not-run": (
        "a chart has hooks, which are not run",
        "Do what they do in another way; `disableHooks: true` says that you know.",
    ),
}
