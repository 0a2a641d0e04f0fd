"""Every bundled estate is solved as its file claims."""

from __future__ import annotations

import pytest

from zonewright.instances import ShippedEstate, shipped_estate_path, shipped_estates
from zonewright.models import Status, check_plan, load_world
from zonewright.solver import place

FEASIBLE = [shipped for shipped in shipped_estates() if shipped.feasible]
INFEASIBLE = [shipped for shipped in shipped_estates() if not shipped.feasible]

#: Rules that have to be among those named as the reason.
REASONS = {
    "addresses-used-up": {"subnet"},
    "big-databases": {"capacity"},
    "desks-too-far": {"engine-near-desks", "engines-together"},
    "ledger-three-zones": {"zone_state", "in-the-country", "ledger-in-three-zones", "replicas-close"},
    "quorum-two-zones": {"majority-survives", "replicas-in-step"},
}


@pytest.mark.parametrize("shipped", FEASIBLE, ids=lambda shipped: shipped.name)
def test_a_feasible_estate_has_a_proven_plan_that_the_models_accept(shipped: ShippedEstate) -> None:
    """OPTIMAL, every goal closed, nothing broken, and nothing claimed that is not so."""
    world = load_world(shipped_estate_path(shipped.name))
    result = place(world, time_limit_s=60, workers=2)
    assert result.status is Status.OPTIMAL
    assert result.gap == 0.0
    assert result.plan is not None
    assert check_plan(world, result.plan).valid


@pytest.mark.parametrize("shipped", INFEASIBLE, ids=lambda shipped: shipped.name)
def test_an_infeasible_estate_names_the_rules_that_clash(shipped: ShippedEstate) -> None:
    """INFEASIBLE, and the rules its story is about are the reason."""
    result = place(load_world(shipped_estate_path(shipped.name)), time_limit_s=60, workers=2)
    assert result.status is Status.INFEASIBLE
    assert result.reason == "no_placement"
    assert REASONS[shipped.name] <= {clash.label for clash in result.clash}
