"""Kernels over a board: how a placement's values change under shift, swap and chain, and loops that use it."""
