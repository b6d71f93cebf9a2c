"""The GitOps path: commit to places to status."""
