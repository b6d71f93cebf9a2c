"""What will be done, in which order, and what became of it. Pure."""
