"""Compiled inner loops. State lives in arrays; nothing here knows of estates."""
