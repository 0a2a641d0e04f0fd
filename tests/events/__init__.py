"""Estates to which something happens: plan, runbook and executor agree, and do what an operator would."""
