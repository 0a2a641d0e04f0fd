"""Analyses of tiny estates by trying everything: what clashes, what survives, what more fits, what it takes.

Stands on `tests.brute` and shares no code with `zonewright`, but for the duels that hold both sides together.
"""
