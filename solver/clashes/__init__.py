"""Why no placement exists: the clashes of an estate, all and minimal, and the cheapest changes that mend it."""

from zonewright.solver.clashes.elements import Element
from zonewright.solver.clashes.find import find_clashes
from zonewright.solver.clashes.result import Change, Clashes, ClashSet, Fix

__all__ = ["Change", "ClashSet", "Clashes", "Element", "Fix", "find_clashes"]
