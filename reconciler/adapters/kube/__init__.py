"""The door to Kubernetes API servers: connections, raw-JSON verbs, discovery, kubeconfigs.

The only room that imports aiohttp and kubernetes, and both only when a connection is opened: the modules that commands
import (`client`, `connection`, `discovery`, `kubeconfig`) are light.
"""
