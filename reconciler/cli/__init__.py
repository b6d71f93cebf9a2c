"""The street: arguments, exit codes, terminal; the only reader of the environment."""
