"""Measurements. Each module but `process` and `series` is a command that prints its protocol with its figures.

Those that make plans judge every one.
"""
