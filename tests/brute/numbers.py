"""Decimals as they were written, made into the integers that plans are compared in."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

FACTORS = {
    "cpu_cores": ("cpu_milli", 1000),
    "memory_gib": ("memory_mib", 1024),
    "gpu_cards": ("gpu_milli", 1000),
}


def exact(value: float | int) -> Fraction:
    return Fraction(str(value))


def half_up(value: Fraction) -> int:
    return int((value + Fraction(1, 2)) // 1)


def ceiling(value: Fraction) -> int:
    return int(-((-value) // 1))


def money(value: float) -> int:
    return half_up(exact(value) * 10_000)


def micros(milliseconds: float) -> int:
    return half_up(exact(milliseconds) * 1_000)


def amounts(raw: dict[str, Any] | None) -> dict[str, int]:
    """Demands and capacities in their own units (`cpu_cores: 2` is `cpu_milli: 2000`)."""
    found = {}
    for name, value in (raw or {}).items():
        unit, factor = FACTORS.get(name, (name, 1))
        found[unit] = int(exact(value) * factor)
    return found
