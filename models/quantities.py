"""Units: money in ten-thousandths, latency in microseconds, resources in the unit of their name.

Files carry decimals; everything that is compared or summed is an integer, so that a bound that was proved
is a bound. The integer forms are: money x 10,000 (`MONEY`), round-trip milliseconds x 1,000 (`LATENCY`), shares
of clients x 1,000,000 (`SHARE`).
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

MONEY = 10_000
LATENCY = 1_000
SHARE = 1_000_000

MOST_COUNT = 100_000_000
MOST_RESOURCE = 10**12
MOST_MONEY = 10**9

#: Resources with a meaning of their own; an estate may declare others under `resource_names`.
RESOURCES = ("cpu_milli", "memory_mib", "disk_gib", "gpu_milli", "pods")

#: Other spellings of a resource, with the factor to its unit.
SPELLINGS: dict[str, tuple[str, int]] = {
    "cpu_cores": ("cpu_milli", 1000),
    "memory_gib": ("memory_mib", 1024),
    "gpu_cards": ("gpu_milli", 1000),
    "disk_tib": ("disk_gib", 1024),
}


# Records take numbers as they are (no text, no true or false, no infinity): see `models.base`.
Count = Annotated[int, Field(ge=0, le=MOST_COUNT)]
Amount = Annotated[int, Field(ge=0, le=MOST_RESOURCE)]
Money = Annotated[float, Field(ge=0, le=MOST_MONEY)]
Millis = Annotated[float, Field(ge=0, le=1e7)]
Share = Annotated[float, Field(ge=0, le=1)]


def fold_spellings(value: Any) -> Any:
    """Fold other spellings (`memory_gib: 8`) into the unit of record (`memory_mib: 8192`)."""
    if not isinstance(value, dict):
        return value
    folded: dict[Any, Any] = {}
    for name, amount in value.items():
        unit, factor = SPELLINGS.get(name, (name, 1)) if isinstance(name, str) else (name, 1)
        if unit in folded:
            raise ValueError(f"gives {unit} twice")
        if factor != 1 and isinstance(amount, int | float) and not isinstance(amount, bool):
            if not math.isfinite(amount):
                raise ValueError(f"{name} is not a finite number")
            scaled = Fraction(str(amount)) * factor
            if scaled.denominator != 1:
                raise ValueError(f"{name}: {amount} is no whole number of {unit}")
            folded[unit] = int(scaled)
        else:
            folded[unit] = amount
    return folded


#: Resource amounts, each a whole number in the unit its name ends in.
Amounts = Annotated[
    dict[str, Amount],
    BeforeValidator(fold_spellings),
]


def to_money(value: float) -> int:
    """Return money as ten-thousandths of the currency, rounded half up."""
    return int((Decimal(str(value)) * MONEY).to_integral_value(ROUND_HALF_UP))


def to_latency(milliseconds: float) -> int:
    """Return a round trip in microseconds, rounded half up."""
    return int((Decimal(str(milliseconds)) * LATENCY).to_integral_value(ROUND_HALF_UP))


def to_share(share: float) -> int:
    """Return a share in millionths, rounded half up."""
    return int((Decimal(str(share)) * SHARE).to_integral_value(ROUND_HALF_UP))


def as_fraction(value: float) -> Fraction:
    """Return the decimal that was written (0.1 is one tenth, not its binary neighbour)."""
    return Fraction(str(value))
