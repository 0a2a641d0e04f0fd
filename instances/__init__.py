"""Part of Zonewright."""
