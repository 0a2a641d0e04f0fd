"""What an event leaves: who is displaced, who is lost for good, and the estate in which the rest is placed.

The estate after an event is an estate like any other, so that placing, checking and explaining work on it
as they are: its incidents close sites, only what still runs has a current place, what is lost for good is
counted out, and what the survivors break already is tolerated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from zonewright.models.catalogue import Scope
from zonewright.models.estate import URGENT, Estate, Goal
from zonewright.models.events import Event, Incident
from zonewright.models.migration import Degraded, GivenUp, Loss
from zonewright.models.problems import InputError, maybe
from zonewright.models.procedures import recipes_of
from zonewright.models.recipes import Tolerated
from zonewright.models.resources import Group, Instance, Kind
from zonewright.models.rules import (
    AnyRule,
    Availability,
    Domains,
    Load,
    MoveLimit,
    Pin,
    Rule,
    Soft,
    Spread,
    Survive,
    all_rules,
)
from zonewright.models.rules.balancer import home_region, stays_behind
from zonewright.models.topology import State
from zonewright.models.view import Row, View, Violation
from zonewright.models.world import Unit, World

#: Rules of the event's own making, by label.
EMPTY = "empty"
RULED_OUT = "no_order-"
REBALANCE = "rebalance"
MOST_MOVES = "max_moves"


@dataclass(frozen=True)
class Takeover:
    """Instances of a standby that serve in place of lost ones; nothing is started."""

    group: str
    """Whose instances are lost."""
    standby: str
    count: int
    source: int
    """The dead site."""
    target: int
    """Where the standby runs."""
    instances: tuple[str, ...] = ()
    returns: bool = False
    """The other way: the group serves again, the standby steps back."""


@dataclass
class Aftermath:
    """The estate before and after an event. Node indices hold in both worlds."""

    event: Event
    before: World
    estate: Estate
    world: World
    dead: frozenset[int]
    """Sites that failed."""
    left: frozenset[int]
    """Sites that run and have to be left."""
    losses: list[Loss] = field(default_factory=list)
    """What nothing can bring back."""
    takeovers: list[Takeover] = field(default_factory=list)
    served: dict[str, int] = field(default_factory=dict)
    """Group to how many lost instances a standby serves for already: nothing is to be done for these."""
    degraded: list[Degraded] = field(default_factory=list)
    displaced: dict[tuple[str, str | None], dict[int, int]] = field(default_factory=dict)
    """(group, instance or None for unnamed ones) to dead site and count: what is to be started again."""
    warnings: list[str] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)
    lenient: bool = False
    """Rules that a loss alone can break are wishes here."""

    def unit_before(self, unit: Unit) -> Unit:
        """Return a unit of the world after as it was before."""
        return next(u for u in self.before.units_of[unit.group] if u.name == unit.name)


def aftermath(
    world: World, event: Event, *, lenient: bool = False, given_up: Collection[GivenUp] = ()
) -> Aftermath:
    """Return what an event leaves of an estate.

    `lenient` makes wishes of the rules that a loss alone can break (spread, company, balancers): for estates
    where what remains cannot keep them. `given_up` are those that no recipe gets away from their sites. Raises
    InputError when the event names a domain that the estate does not have.
    """
    return _Reckoning(world, event, lenient, given_up).result()


class _Reckoning:
    def __init__(self, world: World, event: Event, lenient: bool, given_up: Collection[GivenUp]) -> None:
        self.given_up = {(g.group, g.instance, g.site): g.reason for g in given_up}
        self.before, self.event, self.lenient = world, event, lenient
        tree = world.tree
        incidents = {**world.estate.incidents}
        for field_name, names in (("restore", event.restore), ("incidents", list(event.incidents))):
            for name in names:
                if name not in tree.by_id:
                    raise InputError(
                        f"unknown domain {name}.{maybe(name, tree.by_id)}", path=("event", field_name)
                    )
        for name in event.restore:
            incidents.pop(name, None)
        self.incidents: dict[str, Incident] = incidents | event.incidents
        for name in _failed_by_state(world, event.restore):
            # It is dead with nobody in it, too: balancers and copies may be there.
            self.incidents.setdefault(name, Incident.FAILED)
        self.dead, self.left = _sites_of(world, self.incidents, event.restore)
        self.emptied: list[str] = []
        if event.max_moves is not None:
            # With so many moves and no more, what cannot leave stays where it runs.
            self.emptied = [n for n, i in self.incidents.items() if i in (Incident.DRAINED, Incident.SUSPECT)]
            self.incidents |= dict.fromkeys(self.emptied, Incident.CLOSED)
        self.losses: list[Loss] = []
        self.takeovers: list[Takeover] = []
        self.served: dict[str, int] = {}
        self.staying: dict[tuple[str, str | None, int], int] = {}
        self.degraded: list[Degraded] = []
        self.displaced: dict[tuple[str, str | None], dict[int, int]] = {}
        self.warnings: list[str] = []
        self.assumptions: list[str] = []

    @property
    def _mends(self) -> bool:
        """Whether what is broken today is to be mended, wherever it is."""
        return self.event.mend or bool(self.event.restore)

    def result(self) -> Aftermath:
        fewer, gone = self._reckon()
        estate = self._estate(fewer, gone)
        after = World(estate)
        broken = _broken_today(after) if not (self.event.to or self.event.strictly) else []
        if broken and self._mends:
            estate = estate.model_copy(update={"rules": _wishes(estate, broken)})
            after = World(estate)
        elif broken:
            estate = estate.model_copy(update={"tolerated": self._tolerated(after, broken)})
            # What is tolerated is looked up in the estate: nothing that the world has resolved depends on it.
            after.estate = estate
        self._warn(after)
        return Aftermath(
            event=self.event,
            before=self.before,
            estate=estate,
            world=after,
            dead=self.dead,
            left=self.left,
            losses=self.losses,
            takeovers=self.takeovers,
            served=self.served,
            degraded=self.degraded,
            displaced=self.displaced,
            warnings=self.warnings,
            assumptions=self.assumptions,
            lenient=self.lenient,
        )

    def _reckon(self) -> tuple[dict[str, int], set[str]]:
        """Return how many unnamed instances each group has less, and the named ones that are out."""
        fewer: dict[str, int] = {}
        gone: set[str] = set()
        standbys = self._standbys()
        for unit in self.before.units:
            for site, count in unit.current.items():
                known = self.given_up.get((unit.group, unit.name, self.before.tree.nodes[site].id))
                if site in self.left and known is not None:
                    self._lose(unit, site, count, "left_behind", known)
                    self.staying[unit.group, unit.name, site] = count
                    if unit.name is None:
                        fewer[unit.group] = fewer.get(unit.group, 0) + count
                    else:
                        gone.add(unit.name)
                if site not in self.dead:
                    continue
                rest = count - self._taken_over(unit, site, count, standbys)
                reason = why_lost(self.before, unit, site, self.dead) if rest else None
                if rest and reason is None and known is not None:
                    reason = ("left_behind", known)
                if reason is not None:
                    self._lose(unit, site, rest, *reason)
                    rest = 0
                if rest:
                    self.displaced.setdefault((unit.group, unit.name), {})[site] = rest
                if unit.name is None:
                    fewer[unit.group] = fewer.get(unit.group, 0) + count - rest
                elif not rest:
                    gone.add(unit.name)
        self._returns()
        return fewer, gone

    def _lose(self, unit: Unit, site: int, count: int, reason: Any, message: str) -> None:
        """Add to the losses: one entry for each group, lost domain and reason."""
        where = self._incident_at(site)
        text = f"{where}: {message}"
        names = [unit.name] if unit.name else []
        for position, known in enumerate(self.losses):
            if (known.group, known.message, known.priority) == (unit.group, text, unit.priority):
                update = {"count": known.count + count, "instances": [*known.instances, *names]}
                self.losses[position] = known.model_copy(update=update)
                return
        self.losses.append(
            Loss(
                group=unit.group, count=count, instances=names, reason=reason, message=text, priority=unit.priority
            )
        )

    def _incident_at(self, site: int) -> str:
        """Return the highest domain above a site that something has happened to, or the site."""
        ids = [self.before.tree.nodes[a].id for a in self.before.tree.nodes[site].ancestors]
        return next((name for name in ids if name in self.incidents), ids[-1])

    def _standbys(self) -> dict[str, list[list[Any]]]:
        """Return, per group, [standby, site, how many run there] for what takes over for it, or has already."""
        found: dict[str, list[list[Any]]] = {}
        for name, group in self.before.groups.items():
            if group.standby_of is None:
                continue
            for unit in self.before.units_of[name]:
                for site, count in sorted(unit.current.items()):
                    if site not in self.dead and (name in self._lent or site not in self.left):
                        found.setdefault(group.standby_of, []).append([name, site, count])
        return found

    @cached_property
    def _lent_to(self) -> dict[str, str]:
        """Elastic IP to the standby that serves by it."""
        return {a.id: a.bound_to for a in self.before.estate.elastic_ips if a.bound_to}

    @cached_property
    def _lent(self) -> set[str]:
        """Standbys that serve for somebody today."""
        return set(self._lent_to.values())

    def _taken_over(self, unit: Unit, site: int, count: int, standbys: dict[str, list[list[Any]]]) -> int:
        if not unit.elastic_ips:
            return 0
        taken = 0
        for entry in standbys.get(unit.group, ()):
            standby, at, free = entry
            share = min(free, count - taken)
            serves = standby in self._lent
            if serves and standby not in {self._lent_to.get(name) for name in unit.elastic_ips}:
                continue
            if share and self.before.same_region(at, site):
                entry[2] -= share
                taken += share
                if serves:
                    self.served[unit.group] = self.served.get(unit.group, 0) + share
                    continue
                names = (unit.name,) if unit.name else ()
                self.takeovers.append(Takeover(unit.group, standby, share, site, at, names))
        return taken

    def _returns(self) -> None:
        """Hand back what standbys took over, where the group's own instances run again in a restored domain."""
        back = {
            s for name in self.event.restore for s in self.before.tree.sites_under[self.before.tree.by_id[name]]
        }
        for unit in self.before.units:
            lent = (self._lent_to[name] for name in unit.elastic_ips if name in self._lent_to)
            standby = next(lent, None)
            if standby is None or standby not in self.before.groups:
                continue
            stands = [s for u in self.before.units_of[standby] for s in u.current]
            for site, count in unit.current.items():
                if site in back and site not in self.dead and stands:
                    names = (unit.name,) if unit.name else ()
                    self.takeovers.append(Takeover(unit.group, standby, count, stands[0], site, names, True))

    def _estate(self, fewer: Mapping[str, int], gone: set[str]) -> Estate:
        before = self.before.estate
        dead = {self.before.tree.nodes[s].id for s in self.dead}
        named: dict[str, int] = {}
        for instance in before.instances:
            if instance.id in gone:
                named[instance.group] = named.get(instance.group, 0) + 1
        update: dict[str, Any] = {
            "incidents": self.incidents,
            "groups": [self._group(g, fewer.get(g.id, 0) + named.get(g.id, 0), dead) for g in before.groups],
            "instances": [self._instance(i, dead) for i in before.instances if i.id not in gone],
            "rules": self._rules(gone),
            "goals": self._goals(),
            "tolerated": [],
        }
        update |= self._networks()
        for section in ("regions", "zones", "racks", "hosts", "domains"):
            entries = getattr(before, section)
            if any(entry.id in self.event.restore for entry in entries):
                update[section] = [self._restored(entry) for entry in entries]
        return before.model_copy(update=update)

    def _restored(self, domain: Any) -> Any:
        if domain.id not in self.event.restore:
            return domain
        update: dict[str, Any] = {}
        if domain.state is State.FAILED:
            update["state"] = State.OPEN
        if State.FAILED in domain.states.values():
            update["states"] = {p: State.OPEN if s is State.FAILED else s for p, s in domain.states.items()}
        return domain.model_copy(update=update) if update else domain

    def _closed(self, zone: str | None) -> bool:
        """Return whether all of a zone is dead or to be left."""
        index = self.before.tree.by_id.get(zone) if zone is not None else None
        sites = self.before.tree.sites_under[index] if index is not None else ()
        return bool(sites) and all(s in self.dead or s in self.left for s in sites)

    def _networks(self) -> dict[str, Any]:
        """Return balancers without the zones that are gone, and the subnets that move with their addresses.

        A provider switches a balancer between its zones; one that has no zone left is created anew. A subnet
        whose instances keep their private addresses is made again elsewhere: the plan chooses where.
        """
        before = self.before.estate
        balancers = []
        for balancer in before.load_balancers:
            kept = [zone for zone in balancer.zones if not self._closed(zone)]
            update: dict[str, Any] = {}
            if len(kept) < len(balancer.zones):
                region = home_region(self.before, balancer)
                update = {"zones": kept, "zone_count": max(1, len(kept)), "region": region}
            subnet = self.before.subnets.get(balancer.subnet) if balancer.subnet is not None else None
            if subnet is not None and self._closed(subnet.zone) and subnet.id not in self._recreated:
                update["subnet"] = None
            if self.lenient and (balancer.least_per_zone or balancer.least_backends):
                update |= {"least_per_zone": 0, "least_backends": 0}
                self.degraded.append(
                    Degraded(rule="load_balancer", message=f"{balancer.id}: least backends are not asked for")
                )
            balancers.append(balancer.model_copy(update=update) if update else balancer)
        subnets = [s.model_copy(update={"zone": None}) if s.id in self._recreated else s for s in before.subnets]
        return {"load_balancers": balancers, "subnets": subnets}

    @cached_property
    def _recreated(self) -> set[str]:
        """Subnets of zones to be left, in which somebody keeps a private address and nothing holds them back."""
        going: set[str] = set()
        for subnet in self.before.subnets.values():
            sites = self.before.tree.sites_under[self.before.tree.by_id[subnet.zone]] if subnet.zone else ()
            alive = bool(sites) and not any(s in self.dead for s in sites)
            if (
                alive
                and self._closed(subnet.zone)
                and any(
                    group.keep_private_ip and subnet.id in self._subnets_of(group) and self._some_in(group, sites)
                    for group in self.before.estate.groups
                )
            ):
                going.add(subnet.id)
        held = {name: reason for name in sorted(going) if (reason := self._held_back(name, going)) is not None}
        for name, reason in held.items():
            self.warnings.append(f"{name} cannot go along with its private addresses: {reason}")
        return going - set(held)

    def _some_in(self, group: Group, sites: Collection[int]) -> bool:
        """Return whether some of a group run at one of these sites, or nowhere: else it has left them already."""
        return any(
            sum(unit.current.values()) < unit.count or any(site in sites for site in unit.current)
            for unit in self.before.units_of[group.id]
        )

    def _open_zones_beside(self, zone: str | None) -> list[int]:
        """Return the zones of a zone's region that nobody has to leave."""
        tree = self.before.tree
        region = tree.at_level(tree.by_id[zone], "region") if zone is not None else None
        zones = [z for z in tree.domains_at("zone") if tree.at_level(z, "region") == region]
        return [z for z in zones if not self._closed(tree.nodes[z].id)]

    def _has_way_back(self, product: str) -> bool:
        """Return whether a recipe lets instances of a product keep their private addresses in another zone."""
        role = self.before.estate.role
        between = [
            r
            for r in recipes_of(self.before).values()
            if r.kind == "move" and r.across == "zone" and r.role in (None, role)
        ]
        own = [r for r in between if product in r.products]
        return any("private_ip" in r.keeps for r in own or [r for r in between if not r.products])

    def _held_back(self, name: str, going: set[str]) -> str | None:
        """Return what keeps a subnet from being emptied and deleted."""
        subnet = self.before.subnets[name]
        products = {u.product for u in self.before.units if subnet.vpc in u.vpcs or name in u.subnets}
        zonal = any(self.before.scope(product, "subnet") is Scope.ZONAL for product in products)
        if not zonal and len(self._open_zones_beside(subnet.zone)) != 1:
            return "no catalogue says that subnets belong to zones, and there is more than one zone to go to"
        for product in sorted(products):
            if not self._has_way_back(product):
                return f"no recipe brings {product} back into a subnet that is made again"
        if subnet.used:
            return f"it holds {subnet.used} other things, which would have to leave it first"
        paid = any(
            unit.prepaid
            and (unit.current_subnet == name or (unit.current_subnet is None and name in unit.subnets))
            for unit in self.before.units
        )
        others = (o for o in self.before.subnets.values() if o.id not in going and o.cidr is not None)
        if paid and not any((o.vpc, o.zone) == (subnet.vpc, subnet.zone) for o in others):
            return "originals that are paid for have no other subnet in their zone to wait in"
        return None

    def _subnets_of(self, group: Group) -> set[str]:
        named = {i.subnet for i in self.before.estate.instances if i.group == group.id and i.subnet}
        return named | (set(group.subnets) if len(group.subnets) == 1 or not named else set())

    def _group(self, group: Group, fewer: int, dead: set[str]) -> Group:
        update: dict[str, Any] = {}
        held = [self.before.subnets[name] for name in group.subnets]
        if held and all(self._closed(s.zone) and s.id not in self._recreated for s in held):
            # Its subnets cannot follow: any other of its networks will do.
            update = {"subnets": [], "vpcs": sorted({*group.vpcs, *(s.vpc for s in held)})}
            if self.emptied:
                # Some may stay where they are: they keep their seats, and the others take any that is open.
                near = {s.vpc for s in held}
                others = [s.id for s in self.before.subnets.values() if s.vpc in near and not self._closed(s.zone)]
                update["subnets"] = [*group.subnets, *others]
        if fewer:
            update["count"] = group.count - fewer
        running = sum(n for unit in self.before.units_of[group.id] for n in unit.current.values())
        if group.all_or_nothing and 0 < running < group.count and not self.event.strictly:
            # It runs in part today: nobody stops for those that are missing.
            update["all_or_nothing"] = False
        stays = {self.before.tree.nodes[s].id for g, name, s in self.staying if g == group.id and name is None}
        if any(site in dead or site in stays for site in group.current):
            update["current"] = {s: n for s, n in group.current.items() if s not in dead and s not in stays}
        return group.model_copy(update=update) if update else group

    def _instance(self, instance: Instance, dead: set[str]) -> Instance:
        if instance.site in dead:
            return instance.model_copy(update={"site": None, "subnet": None})
        if self._cools_down(instance):
            site = self.before.tree.by_id.get(instance.site or "")
            if site is not None and site not in self.left:
                return instance.model_copy(update={"pinned": True})
        return instance

    def _cools_down(self, instance: Instance) -> bool:
        taken = self.before.estate.taken_at
        hours = max(self.event.cooldown_hours, self.before.estate.migration.cooldown_hours)
        if instance.last_moved is None or taken is None or not hours:
            return False
        return taken - instance.last_moved < timedelta(hours=hours)

    def _goals(self) -> list[Goal]:
        """Losses first; what the event is for; moves; then the estate's own order."""
        rest: list[Goal] = [g for g in self.before.estate.goals if g not in ("placed", "moves")]
        first: list[Goal] = ["placed"]
        if self.event.rebalance is not None or self._mends or self.emptied:
            first.append("urgent")
        if self.event.consolidate:
            first.append("hosts")
        first.append("moves")
        rest = [g for g in rest if g not in first]
        if "soft" not in (*first, *rest):
            rest.insert(0, "soft")
        return [*first, *rest]

    def _rules(self, gone: set[str]) -> list[AnyRule]:
        wounded = bool(self.dead or self.left)
        found: list[AnyRule] = []
        for position, rule in enumerate(self.before.estate.rules):
            label = rule.id or f"{rule.rule}[{position}]"
            named = rule if rule.id else rule.model_copy(update={"id": label})
            if wounded:
                found += self._degrade(named, label)
            elif self.lenient and isinstance(rule, Survive) and rule.mode == "evacuate":
                self.degraded.append(Degraded(rule=label, message="cannot be promised with what there is"))
            else:
                found.append(named)
        if gone:
            found = [_without(rule, gone) for rule in found]
            found = [r for r in found if not (isinstance(r, Pin) and r.instances == [] and self._named(r))]
        if self.event.rebalance is not None:
            found.append(
                Load(
                    rule="load",
                    id=REBALANCE,
                    level=self._site_level(),
                    most_share=self.event.rebalance,
                    soft=Soft(weight=1, priority=URGENT),
                )
            )
        if self.emptied:
            empty = Soft(weight=1, priority=URGENT)
            found.append(Domains(rule="domains", id=EMPTY, forbid=self.emptied, soft=empty))
        if self.event.max_moves is not None:
            found.append(MoveLimit(rule="move_limit", id=MOST_MOVES, most=self.event.max_moves))
        return found

    def _named(self, rule: Pin) -> bool:
        """Return whether a pin was for named instances, all of which are out."""
        return any(isinstance(r, Pin) and r.id == rule.id and r.instances for r in self.before.estate.rules)

    def _degrade(self, rule: AnyRule, label: str) -> list[AnyRule]:
        """Return what of a rule can still be asked for while domains are lost."""
        if isinstance(rule, Survive) and rule.soft is None:
            if rule.mode == "evacuate":
                self.degraded.append(Degraded(rule=label, message="is not promised until what was lost is back"))
                return []
            return [rule.model_copy(update={"soft": Soft(weight=1, priority=0)})]
        if isinstance(rule, Survive):
            return [] if rule.mode == "evacuate" else [rule]
        if isinstance(rule, Availability) and rule.soft is None:
            return [rule.model_copy(update={"soft": Soft(weight=1, priority=0)})]
        if isinstance(rule, Spread) and rule.soft is None and rule.least_domains is not None:
            wish = Spread(
                rule="spread",
                groups=rule.groups,
                with_labels=rule.with_labels,
                level=rule.level,
                least_domains=rule.least_domains,
                soft=Soft(weight=1, priority=0),
            ).model_copy(update={"id": f"{label}.least_domains"})  # a label may be no name: `spread[0]`
            kept = (rule.most_domains, rule.least_each, rule.skew, rule.largest_share)
            if all(part is None for part in kept) and rule.shape == "any":
                return [wish]
            return [self._softened(rule.model_copy(update={"least_domains": None})), wish]
        return [self._softened(rule)]

    def _softened(self, rule: AnyRule) -> AnyRule:
        if self.lenient and rule.suffers_from_loss and rule.soft is None:
            return rule.model_copy(update={"soft": Soft(weight=1, priority=0)})
        return rule

    def _site_level(self) -> str:
        tree = self.before.tree
        return tree.nodes[tree.sites[0]].level

    def _tolerated(self, after: World, broken: list[Violation]) -> list[Tolerated]:
        """Return what the survivors' placement breaks and may go on breaking, as no worse than it is."""
        touched = {group for group, _ in self.displaced} | self._leaving(after)
        found: dict[tuple[str, str | None, str | None, str | None], int] = {}
        for violation in broken:
            if violation.group in touched and _counts_the_rest(all_rules(after), violation):
                # A displaced group is mended: what was lost alone may have broken this.
                continue
            domain = violation.domain if _stays_in_place(violation) else None
            key = (violation.label, violation.group, domain, violation.what)
            found[key] = found.get(key, 0) + violation.amount
        return [Tolerated(rule=r, group=g, domain=d, what=w, amount=n) for (r, g, d, w), n in found.items()]

    def _leaving(self, after: World) -> set[str]:
        return {u.group for u in after.units if any(s in self.left for s in u.current)}

    def _warn(self, after: World) -> None:
        for name, incident in self.event.incidents.items():
            node = after.tree.by_id[name]
            if incident is Incident.FAILED:
                continue
            sold = {
                u.product
                for u in self.before.units
                for s in u.current
                if node in self.before.tree.nodes[s].ancestors
                and self.before.tree.state(s, u.product) is State.SOLD_OUT
            }
            for product in sorted(sold):
                self.warnings.append(f"{name} is sold out for {product}: what leaves it cannot return")
        self._warn_of_balancers(after)
        if any(s in self.dead for s in self.before.tree.sites) and not after.estate.images:
            self.assumptions.append("every stateless group has an image to start from: the estate names none")

    def _warn_of_balancers(self, after: World) -> None:
        """Say of balancers whose region is left that nobody sends to their groups elsewhere."""
        for balancer in after.balancers.values():
            there = stays_behind(self.before, self.before.balancers[balancer.id])
            going = [
                g
                for g in balancer.backends
                if any(s in self.dead or s in self.left for u in self.before.units_of[g] for s in u.current)
            ]
            if going and not there and stays_behind(after, balancer):
                region = home_region(after, balancer)
                who = ", ".join(going)
                self.warnings.append(f"{balancer.id} stays behind in {region}: nothing elsewhere sends to {who}")


def _wishes(estate: Estate, broken: list[Violation]) -> list[AnyRule]:
    """Return the rules with those that are broken made urgent wishes: mended as far as it goes."""
    labels = {violation.label for violation in broken}
    urgent = Soft(weight=1, priority=URGENT)
    return [
        rule.model_copy(update={"soft": urgent}) if rule.id in labels and rule.soft is None else rule
        for rule in estate.rules
    ]


def _without(rule: AnyRule, gone: set[str]) -> AnyRule:
    if isinstance(rule, Pin) and set(rule.instances) & gone:
        return rule.model_copy(update={"instances": [name for name in rule.instances if name not in gone]})
    return rule


def _failed_by_state(world: World, restored: Iterable[str]) -> Iterator[str]:
    """Yield the domains that have failed for every product by their own state, and are not back."""
    back = {world.tree.by_id[name] for name in restored}
    for node in world.tree.nodes:
        states = {node.domain.state} if node.domain.state is not None else set(node.domain.states.values())
        if states == {State.FAILED} and not back.intersection(node.ancestors):
            yield node.id


def _sites_of(
    world: World, incidents: Mapping[str, Incident], restored: Iterable[str]
) -> tuple[frozenset[int], frozenset[int]]:
    """Return dead sites and sites to be left; a site whose own state is failed is dead, too."""
    tree = world.tree
    back = {s for name in restored for s in tree.sites_under[tree.by_id[name]]}
    dead: set[int] = set()
    left: set[int] = set()
    for name, incident in incidents.items():
        if incident is not Incident.CLOSED:
            (dead if incident is Incident.FAILED else left).update(tree.sites_under[tree.by_id[name]])
    for unit in world.units:
        for site in unit.current:
            if site not in back and tree.state(site, unit.product) is State.FAILED:
                dead.add(site)
    return frozenset(dead), frozenset(left - dead)


#: Rules that what an event does to a site breaks, or that need a plan to say anything.
_NOT_OF_TODAY = ("zone_state", "pinned", "all_or_nothing", "subnet", "move_limit")


def _broken_today(after: World) -> list[Violation]:
    """Return what the placement of what still runs breaks of the hard rules that count or limit."""
    rows = [Row(u.index, s, n, u.current_subnet) for u in after.units for s, n in u.current.items()]
    zones = {b.id: tuple(after.tree.by_id[z] for z in b.zones) for b in after.balancers.values() if b.zones}
    view = View(after, rows, balancer_zones=zones)
    found: list[Violation] = []
    for label, rule in all_rules(after):
        evacuates = isinstance(rule, Survive) and rule.mode == "evacuate"
        ruled_out = label.startswith(RULED_OUT)
        if rule.soft is None and rule.rule not in _NOT_OF_TODAY and not evacuates and not ruled_out:
            # The zones that a balancer is to have are the plan's to choose.
            found += [v for v in rule.violations(view, label) if (v.rule, v.what) != ("load_balancer", "zones")]
    return found


def _counts_the_rest(rules: list[tuple[str, Rule]], violation: Violation) -> bool:
    """Return whether losing instances alone can have broken the rule."""
    return any(label == violation.label and rule.suffers_from_loss for label, rule in rules)


def _stays_in_place(violation: Violation) -> bool:
    """Return whether a violation's domain is where it is, not one of several that could be named."""
    return violation.what not in ("skew", "domains") and violation.rule not in ("affinity", "latency", "survive")


def why_lost(world: World, unit: Unit, site: int, dead: frozenset[int]) -> tuple[str, str] | None:
    """Return (reason, message) why an instance of a dead site cannot be started elsewhere; None where it can.

    A pinned one cannot. With a host or rack gone volumes are still there, unless the disk was the host's own or
    the host the instance itself. With the zone gone a stateless one starts from its image, a stateful one from
    copies of its system and of every data disk that was in the zone; with the region gone only from what other
    regions hold.
    """
    if unit.pinned:
        return "pinned", "is pinned there"
    zone, region = world.zone_of(site), world.region_of(site)
    tree = world.tree
    zone_lives = not dead.issuperset(tree.sites_under[zone])
    region_lives = not dead.issuperset(world.region_sites(site))
    if zone_lives and not unit.movability.local_disk and unit.kind is not Kind.BARE_METAL:
        return None
    if not unit.stateful:
        return _no_image(world, unit, region, region_lives)
    if not _copy_of(world, unit, {unit.name, unit.group}, dead):
        return "no_copy", "has data and no copy of its system that outlives this"
    for disk in unit.disks:
        if _disk_is_gone(world, unit, disk, dead) and not _copy_of(world, unit, {disk}, dead, exact=True):
            return "no_copy", f"data disk {disk} has no copy that outlives this"
    return None


def _no_image(world: World, unit: Unit, region: int, region_lives: bool) -> tuple[str, str] | None:
    if region_lives or unit.image is None:
        return None
    image = world.images[unit.image]
    name = world.tree.nodes[region].id
    if image.regions and not [r for r in image.regions if r != name]:
        return "region_lost", f"image {image.id} is only in {name}"
    return None


def _disk_is_gone(world: World, unit: Unit, name: str, dead: frozenset[int]) -> bool:
    """Return whether a data disk went down with its zone or region."""
    disk = world.attachables["disk"][name]
    homes = [p for p in (disk.zone, disk.region) if p is not None and p in world.tree.by_id]
    if not homes:
        sites = [s for s in unit.current if s in dead]
        if world.scope(unit.product, "disk").value == "zonal":
            return bool(sites)
        return any(dead.issuperset(world.region_sites(s)) for s in sites)
    zonal = disk.zone is not None
    return any(_all_dead(world, world.tree.by_id[p], dead) for p in ([disk.zone] if zonal else homes) if p)


def _all_dead(world: World, node: int, dead: frozenset[int]) -> bool:
    sites = world.tree.sites_under[node]
    return bool(sites) and dead.issuperset(sites)


def _copy_of(
    world: World, unit: Unit, names: set[str | None], dead: frozenset[int], *, exact: bool = False
) -> bool:
    """Return whether a snapshot of one of these is somewhere that lives.

    A snapshot that does not say what it is of counts for the system, not for a data disk (`exact`).
    """
    for name in unit.snapshots:
        copy = world.attachables["snapshot"][name]
        of = getattr(copy, "of", None)
        if of not in names and (exact or of is not None):
            continue
        homes = [world.tree.by_id[p] for p in (copy.zone, copy.region) if p is not None and p in world.tree.by_id]
        if not any(_all_dead(world, home, dead) for home in homes):
            return True
    return False
