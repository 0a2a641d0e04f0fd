"""Failure analysis against trying everything: what remains, what fits again, and how many at most."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from zonewright.models import World
from zonewright.models.files import estate_from_data
from zonewright.models.plan import Status
from zonewright.models.problems import InputError
from zonewright.models.rules.survive import broken_after
from zonewright.models.view import Row
from zonewright.solver import place, survive
from zonewright.solver.survival.evacuate import divided
from zonewright.solver.survival.result import ScenarioOutcome
from zonewright.solver.survival.standing import Loss, Standing, current_view, losses_of

#: Placements of the displaced that trying everything may look at.
_MOST_TRIES = 20_000


def _zones(rng: random.Random) -> dict[str, Any]:
    """Return a small estate of zones with everybody in place."""
    zones = rng.randint(2, 4)
    capacity = [rng.randint(3, 9) for _ in range(zones)]
    left = list(capacity)
    groups = []
    for number in range(rng.randint(2, 4)):
        size, current = rng.randint(1, 3), {}
        for _ in range(rng.randint(1, 4)):
            zone = rng.randrange(zones)
            if left[zone] >= size:
                left[zone] -= size
                current[f"z{zone}"] = current.get(f"z{zone}", 0) + 1
        groups.append(_group(rng, number, size, current))
    data = {"zones": [{"id": f"z{k}", "in": "r", "capacity": {"cpu_cores": c}} for k, c in enumerate(capacity)]}
    return _estate(rng, data, [g for g in groups if g["count"]], "zone")


def _hosts(rng: random.Random) -> dict[str, Any]:
    """Return a small estate of hosts with everybody in place."""
    hosts = rng.randint(3, 6)
    capacity = [rng.randint(2, 6) for _ in range(hosts)]
    left = list(capacity)
    groups = []
    for number in range(rng.randint(2, 4)):
        size, current = rng.randint(1, 3), {}
        for _ in range(rng.randint(1, 3)):
            host = rng.randrange(hosts)
            if left[host] >= size and f"h{host}" not in current:
                left[host] -= size
                current[f"h{host}"] = 1
        groups.append(_group(rng, number, size, current))
    data = {
        "zones": [{"id": "z0", "in": "r"}, {"id": "z1", "in": "r"}],
        "hosts": [
            {"id": f"h{k}", "in": f"z{k % 2}", "capacity": {"cpu_cores": c}} for k, c in enumerate(capacity)
        ],
    }
    return _estate(rng, data, [g for g in groups if g["count"]], "host")


def _group(rng: random.Random, number: int, size: int, current: dict[str, int]) -> dict[str, Any]:
    group: dict[str, Any] = {
        "id": f"g{number}",
        "count": sum(current.values()),
        "demand": {"cpu_cores": size},
        "current": current,
        "priority": rng.choice([0, 0, 5]),
    }
    if rng.random() < 0.2:
        group |= {"stateful": True, "snapshots": rng.choice([[], ["kept"]])}
    if rng.random() < 0.1:
        group["pinned"] = True
    if rng.random() < 0.3:
        group |= {"load": 10 * rng.randint(1, 3), "throughput": 10}
    return group


def _estate(rng: random.Random, data: dict[str, Any], groups: list[dict[str, Any]], level: str) -> dict[str, Any]:
    names = [group["id"] for group in groups]
    most = {g["id"]: max(g["current"].values()) for g in groups}
    rules: list[dict[str, Any]] = []
    for name in names:
        if rng.random() < 0.4:
            at_most = most[name] + rng.choice([0, 1])
            rules.append({"rule": "anti_affinity", "groups": [name], "level": level, "at_most": at_most})
        if rng.random() < 0.25:
            rules.append({"rule": "spread", "groups": [name], "level": "zone", "skew": rng.randint(1, 3)})
        if rng.random() < 0.2:
            rules.append({"rule": "spread", "groups": [name], "level": "zone", "largest_share": 0.6})
    if len(names) > 1 and rng.random() < 0.3:
        rules.append({"rule": "separation", "groups": names[:2], "level": level})
    domains = data["zones"] if level == "zone" else data["hosts"]
    if names and rng.random() < 0.3:
        rules.append({"rule": "domains", "groups": names[:1], "forbid": [rng.choice(domains)["id"]]})
    return {
        "estate": "small",
        "regions": [{"id": "r"}],
        **data,
        "snapshots": [{"id": "kept", "region": "r"}],
        "groups": groups,
        "services": [{"id": "front", "chain": names, "public": True}] if names else [],
        "rules": rules,
    }


def _sound(make: Any, seed: int) -> World | None:
    """Return an estate whose placement breaks nothing; None where the draw breaks something."""
    data = make(random.Random(seed))
    if not data["groups"]:
        return None
    world = World(estate_from_data(data))
    broken = list(broken_after(current_view(world), frozenset(), [], set(world.groups)))
    return world if not broken else None


def _tried(standing: Standing, loss: Loss) -> tuple[bool, dict[int, int]] | None:
    """Return whether everybody displaced fits, and what is out at best by priority; None for too many ways."""
    world = standing.world
    wanted, hopeless = divided(standing, loss)
    sites = [site for site in world.tree.sites if site not in loss.gone]
    waiting = [u for u, lost in wanted.items() for _ in range(sum(lost.values()))]
    if (len(sites) + 1) ** len(waiting) > _MOST_TRIES:
        return None
    best: tuple[int, ...] | None = None
    found: dict[int, int] = {}
    whole = False
    levels = sorted({unit.priority for unit in world.units}, reverse=True)
    for choice in itertools.product([None, *sites], repeat=len(waiting)):
        rows = [Row(u, site, 1) for u, site in zip(waiting, choice, strict=True) if site is not None]
        out = [world.units[u].priority for u, site in zip(waiting, choice, strict=True) if site is None]
        key = tuple(out.count(level) for level in levels)
        if best is not None and key > best and (whole or any(key)):
            continue
        broken = list(broken_after(standing.view, loss.gone, rows, set()))
        if not broken and (best is None or key < best):
            best = key
            found = {level: n for level, n in zip(levels, key, strict=True) if n}
        if not any(key) and not hopeless and not whole:
            whole = not list(broken_after(standing.view, loss.gone, rows, set(world.groups)))
    return whole, found


def _cases(make: Any, first: int, wanted: int) -> Iterator[World]:
    seeds = itertools.count(first)
    yield from itertools.islice((world for seed in seeds if (world := _sound(make, seed)) is not None), wanted)


@pytest.mark.parametrize(
    ("make", "level", "lose"), [(_zones, "zone", 1), (_zones, "zone", 2), (_hosts, "host", 1)]
)
def test_evacuation_against_trying_everything(make: Any, level: str, lose: int) -> None:
    compared = failing = 0
    for world in _cases(make, 100 * lose + len(level), 40):
        if len(world.tree.domains_at(level)) < lose:
            continue
        standing = Standing(world, current_view(world))
        outcomes = survive(world, level=level, lose=lose, recovery=False, workers=1, today=True).scenarios
        by_name = {outcome.lost: outcome for outcome in outcomes}
        for loss in losses_of(world, level, lose):
            tried = _tried(standing, loss)
            if tried is None:
                continue
            outcome = by_name[tuple(world.tree.nodes[node].id for node in loss.nodes)]
            whole, out = tried
            # Whoever displaces nobody asks nothing.
            assert outcome.survived == (whole or outcome.displaced == 0), outcome
            assert outcome.unplaced == out, outcome
            compared += 1
            failing += not outcome.survived
    assert compared > 60
    assert 20 < failing < compared


@pytest.mark.parametrize(("make", "level"), [(_zones, "zone"), (_hosts, "host")])
def test_what_remains_is_counted(make: Any, level: str) -> None:
    for world in _cases(make, 7, 30):
        standing = Standing(world, current_view(world))
        for lose in (1, 2):
            found = survive(world, level=level, lose=lose, mode="static", today=True)
            assert found.checked == found.existing == len(list(losses_of(world, level, lose)))
            for outcome in found.scenarios:
                gone = {s for name in outcome.lost for s in world.tree.sites_under[world.tree.by_id[name]]}
                short = {
                    group
                    for group, sites in standing.view.group_sites.items()
                    if sites and sum(n for s, n in sites.items() if s not in gone) < standing.needed[group]
                }
                assert {g.group for g in outcome.groups if g.short} == short
                assert outcome.survived == (not short)
                for service in outcome.services:
                    assert service.up == (short.isdisjoint(world.groups)), service


def _racked() -> World:
    """Return two zones of two racks of two hosts, a group on each host, one host's worth of room over."""
    data = {
        "estate": "racked",
        "zones": [{"id": "a"}, {"id": "b"}],
        "racks": [{"id": f"{z}{k}", "in": z} for z in "ab" for k in range(2)],
        "hosts": [
            {"id": f"{z}{k}-{h}", "in": f"{z}{k}", "capacity": {"cpu_cores": 4}}
            for z in "ab"
            for k in range(2)
            for h in range(2)
        ],
        "groups": [
            {
                "id": "web",
                "count": 8,
                "demand": {"cpu_cores": 2},
                "current": {f"{z}{k}-{h}": 1 for z in "ab" for k in range(2) for h in range(2)},
            }
        ],
    }
    return World(estate_from_data(data))


def _outcome(world: World, level: str, lost: tuple[str, ...], **options: Any) -> ScenarioOutcome:
    found = survive(world, level=level, recovery=False, workers=1, **options)
    return next(outcome for outcome in found.scenarios if outcome.lost == lost)


def test_one_zone_and_one_host_are_lost_together() -> None:
    world = _racked()
    found = survive(world, level="zone+host", recovery=False, workers=1)
    # Two zones, and with each the four hosts of the other.
    assert found.existing == found.checked == 8
    outcome = _outcome(world, "zone+host", ("a", "b0-0"))
    assert (outcome.displaced, outcome.recovered, outcome.unplaced) == (5, 3, {0: 2})
    assert all(not o.survived for o in found.scenarios)


def test_levels_lose_what_is_under_them() -> None:
    world = _racked()
    assert survive(world, level="host", recovery=False).survived
    assert survive(world, level="rack", recovery=False).survived
    assert survive(world, level="zone", recovery=False).survived
    pairs = survive(world, level="rack", lose=2, recovery=False)
    assert (pairs.existing, pairs.survived) == (6, True)
    triples = survive(world, level="rack", lose=3, recovery=False)
    assert (triples.existing, len(triples.failing)) == (4, 4)


def test_a_packing_cut_says_what_no_single_host_has_room_for() -> None:
    data = {
        "estate": "packed",
        "zones": [{"id": "a"}, {"id": "b"}],
        "hosts": [
            {"id": "a-big", "in": "a", "capacity": {"cpu_cores": 8}},
            *({"id": f"b{k}", "in": "b", "capacity": {"cpu_cores": 8}} for k in range(4)),
        ],
        "groups": [
            {"id": "big", "count": 1, "demand": {"cpu_cores": 6}, "current": {"a-big": 1}},
            {"id": "small", "count": 4, "demand": {"cpu_cores": 4}, "current": {f"b{k}": 1 for k in range(4)}},
        ],
    }
    outcome = _outcome(World(estate_from_data(data)), "zone", ("a",))
    assert outcome.verdict == "fails"
    assert [(entry.resource, entry.used, entry.limit, entry.proven) for entry in outcome.binding] == [
        ("packing", 1, 0, True)
    ]
    assert "6 CPU cores" in outcome.binding[0].text
    assert "16 CPU cores are free in sum" in outcome.binding[0].text
    assert next(g for g in outcome.groups if g.group == "big").reason


def test_a_sum_that_is_short_names_zone_and_resource() -> None:
    data = {
        "estate": "full",
        "zones": [{"id": z, "capacity": {"cpu_cores": 10}} for z in "abc"],
        "groups": [{"id": "web", "count": 24, "demand": {"cpu_cores": 1}, "current": dict.fromkeys("abc", 8)}],
    }
    outcome = _outcome(World(estate_from_data(data)), "zone", ("a",))
    cut = outcome.binding[0]
    assert (cut.domain, cut.resource, cut.used, cut.limit, cut.short) == ("b+c", "cpu_milli", 8_000, 4_000, 4_000)
    assert outcome.unplaced == {0: 4}


def test_stock_on_offer_counts_only_when_asked() -> None:
    data = {
        "estate": "offered",
        "zones": [
            {"id": "a", "capacity": {"cpu_cores": 4}},
            {"id": "b", "capacity": {"cpu_cores": {"owned": 2, "on_offer": 4}}},
        ],
        "groups": [{"id": "web", "count": 4, "demand": {"cpu_cores": 1}, "current": {"a": 2, "b": 2}}],
    }
    world = World(estate_from_data(data))
    assert not _outcome(world, "zone", ("a",)).survived
    assert _outcome(world, "zone", ("a",), on_offer=True).survived


def test_the_way_back_has_its_times() -> None:
    data = {
        "estate": "timed",
        "zones": [{"id": z, "capacity": {"cpu_cores": 10}} for z in "ab"],
        "images": [{"id": "base"}],
        "groups": [
            {
                "id": "web",
                "count": 4,
                "demand": {"cpu_cores": 1},
                "image": "base",
                "current": {"a": 2, "b": 2},
                "targets": {"recovery_minutes": 0.01},
            }
        ],
    }
    found = survive(World(estate_from_data(data)), workers=1)
    assert found.survived
    assert found.recovered_for == 2
    for outcome in found.scenarios:
        assert (outcome.moves, outcome.recoveries, outcome.lost_for_good) == (0, 2, 0)
        group = outcome.groups[0]
        assert group.recovery_s == outcome.recovery_s
        assert group.recovery_s
        assert group.late
    assert found.missed == ["web when a is lost", "web when b is lost"]


def test_an_end_before_time_is_said() -> None:
    stop = threading.Event()
    stop.set()
    found = survive(_racked(), level="host", lose=2, recovery=False, stop=stop)
    assert found.interrupted
    assert found.checked < found.existing
    assert not found.survived
    assert found.status in (Status.FEASIBLE, Status.UNKNOWN)
    assert any("of 28 scenarios" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("level", "lose", "words"),
    [
        ("hall", 1, "unknown level hall"),
        ("rack", 1, "has no racks"),
        ("zone", 3, "only 2 zones"),
        ("zone+zone", 1, "twice"),
        ("zone+region", 2, "goes with one level"),
    ],
)
def test_what_cannot_be_lost_is_refused(level: str, lose: int, words: str) -> None:
    data = {
        "estate": "two",
        "regions": [{"id": "r"}],
        "zones": [{"id": z, "in": "r"} for z in "ab"],
        "groups": [{"id": "web", "count": 1, "demand": {"cpu_cores": 1}, "current": {"a": 1}}],
    }
    with pytest.raises(InputError, match=words):
        survive(World(estate_from_data(data)), level=level, lose=lose)


def test_frames_have_a_row_for_each_scenario_and_group() -> None:
    found = survive(_racked(), level="rack", recovery=False)
    assert list(found.scenario_frame()["lost"]) == [outcome.name for outcome in found.scenarios]
    assert set(found.group_frame()["group"]) == {"web"}


def test_a_plan_with_the_guarantee_shows_its_own_way() -> None:
    data = {
        "estate": "guarded",
        "zones": [{"id": z, "capacity": {"cpu_cores": 8}} for z in "abc"],
        "groups": [
            {"id": "web", "count": 6, "demand": {"cpu_cores": 2}},
            {"id": "db", "count": 2, "demand": {"cpu_cores": 2}},
        ],
        "rules": [{"rule": "survive", "mode": "evacuate", "level": "zone"}],
    }
    world = World(estate_from_data(data))
    plan = place(world, workers=1).plan
    assert plan is not None
    found = survive(world, plan=plan, recovery=False, workers=1)
    assert found.survived
    assert found.placement == "plan"
    assert {outcome.how for outcome in found.scenarios if outcome.displaced} == {"plan"}
