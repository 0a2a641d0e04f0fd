"""Where problems come from: bundled estates, generators, and readers of other people's files."""

from zonewright.instances.shipped import ShippedEstate, shipped_estate_path, shipped_estates

__all__ = ["ShippedEstate", "shipped_estate_path", "shipped_estates"]
