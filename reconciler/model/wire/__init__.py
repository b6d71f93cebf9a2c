"""Kinds as they stand on a server: the wire of Clusternet and of multi-cluster services.

Lenient: unknown fields are dropped when read, so a newer server does not stop us; what must be written back whole stays
a plain mapping. Names, defaults, enums and patterns are those of the CRDs, which `hack/crds` generates from here: a
default other than None is the default that the API server fills in, a docstring under a field is its description.
What authors may commit is stricter and stands in `model.authored`.
"""
