"""Measurements: each module is a command, prints its protocol with its figures, and checks every plan."""
