"""What the world is: topology, resources, rules, catalogue, plan, and each rule's checker."""

from zonewright.models.catalogue import Catalogue, shipped_catalogue, shipped_catalogues
from zonewright.models.check import Report, check_plan, judge
from zonewright.models.edits import Edit, apply_edits, parse_edit
from zonewright.models.estate import Estate
from zonewright.models.files import (
    estate_from_data,
    estate_from_text,
    load_estate,
    load_plan,
    load_world,
    plan_text,
    save_plan,
)
from zonewright.models.offers import Expected, Offer, Purchase
from zonewright.models.plan import Placement, Plan, Status
from zonewright.models.problems import InputError
from zonewright.models.purchases import with_purchases
from zonewright.models.view import Row, View, Violation
from zonewright.models.world import Unit, World

__all__ = [
    "Catalogue",
    "Edit",
    "Estate",
    "Expected",
    "InputError",
    "Offer",
    "Placement",
    "Plan",
    "Purchase",
    "Report",
    "Row",
    "Status",
    "Unit",
    "View",
    "Violation",
    "World",
    "apply_edits",
    "check_plan",
    "estate_from_data",
    "estate_from_text",
    "judge",
    "load_estate",
    "load_plan",
    "load_world",
    "parse_edit",
    "plan_text",
    "save_plan",
    "shipped_catalogue",
    "shipped_catalogues",
    "with_purchases",
]
