"""The only doors out of the process: git, kube, files, cache, clock. They know none of the rules of the rooms."""
