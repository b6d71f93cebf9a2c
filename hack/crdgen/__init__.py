"""CRDs from our models: `schema` translates types, `kinds` says how each kind is served, `files` writes deploy/crds."""
