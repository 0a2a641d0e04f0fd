"""What is planted is what clashes, and the solver tells it."""

from __future__ import annotations

import pytest

from tests.analyses.planted import clashes_alone, faults
from zonewright.instances.clash_kinds import HOST_KINDS, KINDS, Kind, clashing_estate
from zonewright.instances.clashing import Member
from zonewright.instances.stalled import REASONS, stalled_estate
from zonewright.models import World, estate_from_data
from zonewright.models.rules import all_rules

#: Rules that cannot have a part in a clash.
NEVER = {"all_or_nothing", "keep_running", "move_cost"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_on_zones_the_planted_set_is_the_only_clash(kind: Kind) -> None:
    """By trying everything on its groups alone, and by the checkers with one member after another dropped."""
    estate = clashing_estate(1, instances=60, kinds=[kind])
    assert list(faults(estate)) == []
    assert clashes_alone(estate, estate.planted[0]) == [estate.planted[0].members]


@pytest.mark.parametrize("kind", [*KINDS[::6], *HOST_KINDS], ids=lambda kind: kind.__name__)
def test_on_hosts_every_member_can_be_done_without(kind: Kind) -> None:
    """With one of them dropped, the checkers find nothing else broken."""
    assert list(faults(clashing_estate(1, instances=300, hosts=60, kinds=[kind]))) == []


def test_several_clashes_stand_side_by_side() -> None:
    """With one member of each dropped, the checkers find nothing else broken."""
    for seed in range(6):
        assert list(faults(clashing_estate(seed, instances=200, hosts=60 * (seed % 2)))) == []


def test_every_kind_of_rule_has_its_clash() -> None:
    """No rule that can clash is left out."""
    world = World(estate_from_data(clashing_estate(0, instances=60).data))
    implicit = {rule.rule for _, rule in all_rules(world) if rule.implicit}
    seen: set[str] = set()
    for kind in KINDS:
        estate = clashing_estate(1, instances=60, kinds=[kind])
        written = {rule["id"]: rule["rule"] for rule in estate.data["rules"]}
        seen |= {_rule(member, written) for member in estate.planted[0].members}
    from zonewright.models.rules import AnyRule

    kinds = {choice.model_fields["rule"].annotation.__args__[0] for choice in AnyRule.__args__[0].__args__}
    assert implicit | kinds == (seen - {"placed"}) | NEVER


def _rule(member: Member, written: dict[str, str]) -> str:
    return written.get(member[0], member[0])


@pytest.mark.parametrize("seed", range(len(REASONS)))
def test_a_stalled_region_lacks_nothing_but_what_is_said(seed: int) -> None:
    """With one member of the reason dropped, the checkers find nothing else broken."""
    assert list(faults(stalled_estate(seed, instances=900, hosts=130))) == []
