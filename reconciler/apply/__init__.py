"""Hands: observe a place, carry out one Plan on it, keep its inventory."""
