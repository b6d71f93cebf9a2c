"""Registering clusters: the objects in the hub and in the child, the rights, and what a hub's list says. Pure."""
