"""A local fleet of real control planes: a parent and its children, started, repaired and removed by `hack/fleet`."""
