"""The door to programs that make objects: helm, kustomize, sops, and our own template runner.

One module per program says how it is called and what its words mean; `programs` finds it. What comes back is text or
bytes: reading it as YAML is the caller's.
"""
