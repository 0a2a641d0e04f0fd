"""Malformed and hostile estates: each is one change to an estate that is in order."""
