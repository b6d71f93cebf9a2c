"""Who gets what: selectors, taints, dividing. Pure; facts of the clusters are arguments."""
