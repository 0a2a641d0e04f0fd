"""Families of restrictions and costs, each with its oracle beside its rows."""
