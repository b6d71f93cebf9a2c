"""The program as its users start it: real processes, real Git remotes, the real local fleet."""
