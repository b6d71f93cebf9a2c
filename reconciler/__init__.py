"""A GitOps reconciler for fleets of Kubernetes clusters, on Clusternet's wire format."""

__version__ = "0.1.0"
