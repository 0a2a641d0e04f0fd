"""A second judge of migrations, as simple as it can be: everything from scratch at every instant.

It reads the two documents as plain data and shares nothing with the executor but them and the table of
operations. It knows what the estates of these tests use, and no more: no catalogues, no prices, no clients.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from datetime import datetime
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import Any

import yaml

from zonewright.models.estate import Estate
from zonewright.models.migration import Migration
from zonewright.models.operations import EFFECTS, Operation

Keys = set[tuple[Any, ...]]
#: (group, instance or None) to (site, subnet) to count.
Turn = tuple[int, int, int]
Seats = dict[tuple[str, str | None], dict[tuple[str, str | None], int]]
#: Steps in which nothing is under way.
IDLE = {"keep_original", "update_configuration", "switch_balancer"}
MOVING = {"move", "bypass", "recovery", "start"}


def replay(estate: Estate, migration: Migration) -> Keys:
    """Return what a migration breaks: (fault, what tells it apart, ...), with seconds and amounts of limits."""
    return Replay(estate.model_dump(mode="json", by_alias=True), migration.model_dump(mode="json")).keys()


def turn_of(t: int | Turn) -> Turn:
    """All that starts or ends at a second has, once it is over."""
    return (t, 9, 0) if isinstance(t, int) else t


@cache
def shipped() -> list[dict[str, Any]]:
    text = (resources.files("zonewright.models") / "procedures.yaml").read_text("utf-8")
    return yaml.safe_load(text)["recipes"]  # type: ignore[no-any-return]


def when(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


class Replay:
    def __init__(self, estate: dict[str, Any], migration: dict[str, Any]) -> None:
        self.e, self.m = estate, migration
        self.found: Keys = set()
        self.level: dict[str, str] = {}
        self.parent: dict[str, str | None] = {}
        self.domain: dict[str, dict[str, Any]] = {}
        for section in ("regions", "zones", "racks", "hosts"):
            for entry in estate[section]:
                self.level[entry["id"]] = section[:-1]
                self.parent[entry["id"]] = entry["in"]
                self.domain[entry["id"]] = entry
        inner = set(self.parent.values())
        self.sites = [d for d in self.domain if d not in inner and self.level[d] != "region"]
        failed = set(migration["event"]["fail"])
        self.dead = {s for s in self.sites if failed & set(self.above(s))}
        left = failed | set(migration["event"]["drain"]) | set(migration["event"]["suspect"])
        self.left = {s for s in self.sites if left & set(self.above(s))}
        self.recipes = {r["id"]: r for r in shipped()} | {r["id"]: r for r in estate["migration"]["recipes"]}
        self.flavours = {f["id"]: f for f in estate["flavours"]}
        self.groups = {g["id"]: g for g in estate["groups"]}
        self.units = self.make_units()
        self.steps = migration["steps"]
        self.step = {s["id"]: s for s in self.steps}
        self.position = {s["id"]: k for k, s in enumerate(self.steps)}
        self.acts = [self.make_act(a) for a in migration["actions"]]
        self.act_of = {a["id"]: a for a in self.acts}
        self.times = sorted(
            {t for s in self.steps for t in (s["start_s"], s["end_s"]) if s["end_s"] >= s["start_s"]}
        )
        self.times = sorted({*self.times, *(s["start_s"] for s in self.steps)})

    # The documents.

    def above(self, name: str) -> list[str]:
        chain = [name]
        while (up := self.parent.get(chain[-1])) is not None:
            chain.append(up)
        return chain

    def at(self, site: str | None, level: str) -> str | None:
        return next((d for d in self.above(site) if self.level[d] == level), None) if site else None

    def zone(self, site: str) -> str:
        return self.at(site, "zone") or site

    def make_units(self) -> list[dict[str, Any]]:
        units = []
        for group in self.e["groups"]:
            named = [i for i in self.e["instances"] if i["group"] == group["id"]]
            for instance in named:
                unit = dict(group) | {"name": instance["id"], "count": 1, "subnet": instance["subnet"]}
                for field in ("disks", "elastic_ips", "snapshots", "image", "movability", "stateful", "pinned"):
                    if instance.get(field) not in (None, []):
                        unit[field] = instance[field]
                unit["current"] = {instance["site"]: 1} if instance["site"] else {}
                unit["group"] = group["id"]
                unit["billing"] = instance["billing"] or group["billing"]
                units.append(unit)
            if group["count"] > len(named):
                unit = dict(group) | {"name": None, "group": group["id"], "subnet": None}
                unit["count"] = group["count"] - len(named)
                unit["current"] = {s: n for s, n in group["current"].items() if n}
                units.append(unit)
        for unit in units:
            if unit["flavour"]:
                unit["demand"] = self.flavours[unit["flavour"]]["resources"]
            until = unit["billing"]["paid_until"]
            unit["prepaid"] = until is not None and when(until) > when(self.e["taken_at"])
        return units

    def unit(self, group: str, name: str | None) -> dict[str, Any]:
        return next(u for u in self.units if u["group"] == group and u["name"] == name)

    def make_act(self, action: dict[str, Any]) -> dict[str, Any]:
        act = dict(action)
        act["parts"] = []
        if action["group"] is not None:
            act["parts"] = [(self.unit(action["group"], n), 1) for n in action["instances"]]
            rest = action["count"] - len(act["parts"])
            if rest:
                act["parts"].append((self.unit(action["group"], None), rest))
        mine = [(s["start_s"], s["end_s"], k, s) for k, s in enumerate(self.steps) if s["action"] == action["id"]]
        act["steps"] = [entry[3] for entry in sorted(mine, key=lambda entry: entry[:3])]
        act["dead"] = action["source"] in self.dead
        recipe = self.recipes[action["recipe"]] if action["recipe"] else None
        act["how"] = recipe
        keeps = recipe.get("keeps", []) if recipe else []
        act["same"] = "identifier" in keeps
        act["same_address"] = act["same"] or "private_ip" in keeps
        settings = self.e["migration"]
        limits = [settings["most_at_once"]] if settings["most_at_once"] else []
        for site in (None if act["dead"] else action["source"], action["target"]):
            if site:
                limits += [m for lv, m in settings["most_at_once_per"].items() if self.at(site, lv)]
        act["lanes"] = min(limits) if limits else None
        act["wide"] = min(action["count"], act["lanes"]) if limits else action["count"]
        act["for_good"] = bool(
            act["parts"] and action["source"] and not action["target"] and self.moment(act, "stops") is not None
        )
        return act

    def effect(self, step: dict[str, Any]) -> Any:
        return EFFECTS[Operation(step["do"])]

    def moment(self, act: dict[str, Any], what: str) -> int | None:
        """When an effect of an action sets in."""
        for step in act["steps"]:
            at = getattr(self.effect(step), what)
            if at is not None:
                return step["start_s"] if at == "start" else step["end_s"]
        return None

    def turn(self, step: dict[str, Any], when: str) -> Turn:
        """The place of a start or end among all: at one instant ends, then steps without length, then starts."""
        if self.instant(step):
            return step["start_s"], 1, 2 * self.place(step) + (when == "end")
        if when == "start":
            return step["start_s"], 2, self.place(step)
        return step["end_s"], 0, self.place(step)

    def happened(self, act: dict[str, Any], what: str, before: Turn) -> bool:
        """Whether an effect of an action has set in before a turn."""
        for step in act["steps"]:
            at = getattr(self.effect(step), what)
            if at is not None:
                return self.turn(step, at) < before
        return False

    def taken(self, act: dict[str, Any], t: int | Turn) -> bool:
        return bool(act["parts"]) and act["target"] is not None and self.happened(act, "takes_target", turn_of(t))

    def freed(self, act: dict[str, Any], t: int | Turn) -> bool:
        kept = any(s["do"] == "keep_original" for s in act["steps"])
        return self.lives_at_source(act) and not kept and self.happened(act, "frees_source", turn_of(t))

    def lives_at_source(self, act: dict[str, Any]) -> bool:
        moving = act["kind"] in MOVING or act["for_good"]
        return bool(act["parts"] and act["source"] and not act["dead"] and moving)

    def outage(self, act: dict[str, Any]) -> tuple[int, int | None] | None:
        serving = [s["end_s"] for s in act["steps"] if s["serves"]]
        back = max(serving) if serving else self.moment(act, "runs")
        if act["dead"]:
            return 0, back
        if act["source"] is None:
            return None
        breaks = [s["start_s"] for s in act["steps"] if s["interrupts"]]
        gone = min(breaks) if breaks else self.moment(act, "stops")
        if gone is None or (back is not None and back <= gone):
            return None
        return gone, back

    # The judgement.

    def keys(self) -> Keys:
        self.found_there: dict[tuple[str, str | None], int] = {}
        self.judge_people()
        self.make_subnet_log()
        self.judge_times()
        for act in self.acts:
            self.judge_act(act)
        self.judge_limits()
        self.judge_rules()
        self.judge_serving()
        self.judge_traffic()
        self.judge_subnets()
        self.judge_things()
        self.judge_windows()
        self.judge_one_at_a_time()
        return self.found

    def add(self, *key: Any) -> None:
        self.found.add(key)

    def judge_times(self) -> None:
        for step in self.steps:
            if step["end_s"] < step["start_s"]:
                self.add("time", step["id"])
            for need in step["needs"]:
                if need not in self.step or self.step[need]["end_s"] > step["start_s"] or need == step["id"]:
                    self.add("dependency", step["id"])
        if max((s["end_s"] for s in self.steps), default=0) > self.e["migration"]["longest_plan_hours"] * 3600:
            self.add("time", None)

    def judge_act(self, act: dict[str, Any]) -> None:
        kind, recipe = act["kind"], act["how"]
        if kind in ("move", "bypass") and act["dead"]:
            self.add("source", act["id"])
        if kind == "recovery" and not act["dead"]:
            self.add("source", act["id"])
        if kind == "start" and act["source"]:
            self.add("source", act["id"])
        if act["target"] in self.dead or (kind == "bypass" and act["target"] in self.left):
            self.add("reach", act["id"])
        if kind == "bypass" and any(u["pinned"] for u, _ in act["parts"]):
            self.add("reach", act["id"])
        leaves = kind in ("move", "bypass") and act["source"] and act["parts"]
        if leaves and self.moment(act, "runs") is not None and self.moment(act, "stops") is None:
            self.add("original", act["id"])
        for step in act["steps"]:
            if self.effect(step).needs_source and (act["dead"] or (not act["source"] and kind != "resource")):
                self.add("dead_source", act["id"])
            if step["do"] == "fence_original" and act["source"] and not act["dead"]:
                self.add("original", act["id"])
            if step["do"] == "destroy_original" and kind in ("move", "bypass") and act["source"]:
                start = when(self.m["starts_at"] or self.e["migration"]["starts_at"] or self.e["taken_at"])
                for unit, _ in act["parts"]:
                    if unit["prepaid"]:
                        paid = when(unit["billing"]["paid_until"])
                        if start.timestamp() + step["start_s"] < paid.timestamp():
                            self.add("original", act["id"])
        if recipe is None:
            if kind != "resource" or any(self.effect(s).takes_target or self.effect(s).runs for s in act["steps"]):
                self.add("recipe", act["id"])
            return
        if not self.recipe_fits(act, recipe):
            self.add("recipe", act["id"])
        self.judge_steps(act, recipe)

    def recipe_fits(self, act: dict[str, Any], recipe: dict[str, Any]) -> bool:
        kind = "move" if act["kind"] == "bypass" else act["kind"]
        if recipe["kind"] != kind or recipe.get("role") not in (None, self.e["role"]):
            return False
        if kind in ("move", "recovery") and act["source"] and act["target"]:
            ends = act["source"], act["target"]
            if self.at(ends[0], "region") != self.at(ends[1], "region"):
                far = "region"
            else:
                far = "host" if self.zone(ends[0]) == self.zone(ends[1]) else "zone"
            if recipe.get("across", "zone") != far:
                return False
        for unit, _ in act["parts"]:
            if recipe.get("products") and (unit["product"] or "instance") not in recipe["products"]:
                return False
            if recipe.get("stateful") not in (None, unit["stateful"]):
                return False
            if recipe.get("kind_of_instance") not in (None, unit["kind"]):
                return False
            if recipe.get("live") and (unit["movability"]["local_disk"] or unit["movability"]["passthrough"]):
                return False
        return True

    def judge_steps(self, act: dict[str, Any], recipe: dict[str, Any]) -> None:
        rest: list[tuple[int, dict[str, Any], list[str | None]]] = []
        for number, entry in enumerate(recipe["steps"]):
            rest.append((number, entry, self.things(act, entry)))
        taken: list[tuple[int, dict[str, Any], dict[str, Any]]] = []
        for step in act["steps"]:
            home = None
            for number, entry, names in rest:
                if entry["do"] != step["do"]:
                    continue
                if step["thing"] in names or None in names:
                    names.remove(step["thing"] if step["thing"] in names else None)
                    home = number, entry, step
                    break
            if home is None:
                self.add("recipe", act["id"])
            else:
                taken.append(home)
        for _, entry, names in rest:
            if names and entry["do"] not in ("copy_image", "change_subnet"):
                self.add("recipe", act["id"])
        for number, entry, step in taken:
            earlier = [s for n, _, s in taken if n < number]
            if any(s["end_s"] > step["start_s"] for s in earlier):
                self.add("recipe", act["id"])
            last = max((n for n, _, _ in taken if n < number), default=None)
            if last is not None and not any(s["id"] in step["needs"] for n, _, s in taken if n == last):
                self.add("dependency", step["id"])
            if (step["interrupts"], step["serves"]) != (
                entry.get("interrupts", False),
                entry.get("serves", False),
            ):
                self.add("recipe", act["id"])
            if step["end_s"] >= step["start_s"] and not self.long_enough(act, entry, step):
                self.add("duration", step["id"])

    def things(self, act: dict[str, Any], entry: dict[str, Any]) -> list[str | None]:
        many = EFFECTS[Operation(entry["do"])].per != "instance"
        if act["kind"] == "resource":
            most = max((sum(s["do"] == o["do"] for s in act["steps"]) for o in act["steps"]), default=1)
            return [None] * max(1, most) if many else [None]
        condition = entry.get("only_with")
        if condition is None:
            return [None]
        names: list[str | None] = []
        holds = False
        for unit, _ in act["parts"]:
            if condition == "elastic_ip":
                names += unit["elastic_ips"]
            elif condition == "disks":
                names += unit["disks"]
            elif condition == "reachable_disks":
                names += [d for d in unit["disks"] if self.disk_reaches(d, act)]
            elif condition == "unreachable_disks":
                names += [d for d in unit["disks"] if not self.disk_reaches(d, act)]
            elif condition == "backends":
                site = act["source"] if entry["do"] == "unbind_backend" else act["target"]
                region = self.at(site, "region")
                names += [
                    b["id"]
                    for b in self.e["load_balancers"]
                    if site and unit["group"] in b["backends"] and b["region"] in (None, region or site)
                ]
            elif condition == "image_missing":
                if unit["image"] and not self.image_is_in(unit["image"], act["target"]):
                    return [None]
            elif condition == "no_elastic_ip":
                holds |= not unit["elastic_ips"]
            elif condition == "local_disk":
                holds |= unit["movability"]["local_disk"]
            elif condition == "prepaid":
                holds |= unit["prepaid"]
            elif condition == "pay_as_you_go":
                holds |= not unit["prepaid"]
            elif condition == "address_changes":
                holds |= "private_ip" not in act["how"].get("keeps", [])
        names = list(dict.fromkeys(names))
        if holds:
            return [None]
        return names if many else [None] * bool(names)

    def image_is_in(self, image: str, site: str | None) -> bool:
        regions = next(i["regions"] for i in self.e["images"] if i["id"] == image)
        return not regions or site is None or self.at(site, "region") in regions

    def disk_reaches(self, name: str, act: dict[str, Any]) -> bool:
        """Without a catalogue disks are zonal; one that does not say where it is was with its instance."""
        disk = next(d for d in self.e["disks"] if d["id"] == name)
        if act["target"] is None:
            return False
        region = disk["region"] or self.at(act["source"], "region")
        zone = disk["zone"] or (self.zone(act["source"]) if act["source"] and not disk["region"] else None)
        here = self.at(act["target"], "region")
        if region and here and region != here:
            return False
        return zone is None or (zone == self.zone(act["target"]) and not self.all_dead(zone))

    def all_dead(self, domain: str) -> bool:
        inside = [s for s in self.sites if domain in self.above(s)]
        return bool(inside) and set(inside) <= self.dead

    def long_enough(self, act: dict[str, Any], entry: dict[str, Any], step: dict[str, Any]) -> bool:
        most = self.e["migration"]["mib_per_second"]
        length = step["end_s"] - step["start_s"]
        once = EFFECTS[Operation(entry["do"])].per != "instance"
        for unit, _ in act["parts"]:
            known = unit["movability"]["migrate_seconds"] if entry["do"] == "live_migrate" else None
            rate = step["mib_per_second"]
            each = Fraction(entry.get("seconds", 0))
            if entry.get("copies"):
                size = self.size(unit, entry, step)
                if rate is not None and rate > most:
                    return False
                if rate is None and size and known is None:
                    return False
                rate = rate or most
                if known is None and entry["copies"] == "memory":
                    extra = self.copying(unit, rate)
                    if extra is None:
                        return False
                    each += -(-extra // 1)
                else:
                    each += -(-Fraction(size, rate) // 1)
            if known is not None:
                each = Fraction(known)
            turns = 1 if once or act["lanes"] is None else -(-act["count"] // act["lanes"])
            if length < each * turns:
                return False
        return bool(act["parts"]) or length >= entry.get("seconds", 0)

    def size(self, unit: dict[str, Any], entry: dict[str, Any], step: dict[str, Any]) -> int:
        if entry["copies"] == "memory":
            used = unit["movability"]["memory_used_mib"]
            return int(unit["demand"].get("memory_mib", 0) if used is None else used)
        if EFFECTS[Operation(entry["do"])].per == "disk" and step["thing"] is not None:
            return sum(1024 * d["size_gib"] for d in self.e["disks"] if d["id"] == step["thing"])
        return 1024 * int(unit["demand"].get("disk_gib", 0))

    def copying(self, unit: dict[str, Any], rate: int) -> Fraction | None:
        """Seconds until all memory is there: a pass, and passes over what was written in the pass before."""
        how = unit["movability"]
        hot, over = Fraction(how["hot_mib"]), Fraction(str(how["hot_seconds"]))
        cold = Fraction(str(how["dirty_mib_s"]))
        used = unit["demand"].get("memory_mib", 0) if how["memory_used_mib"] is None else how["memory_used_mib"]
        first = Fraction(used) / rate
        fast = hot / over if over else Fraction(0)
        if max(fast, cold) >= rate:
            return None
        if over and first <= over:
            # Written at the fast rate all the time: a geometric series.
            return first / (1 - fast / rate)
        written = hot + cold * (first - over)
        total = first + written / (rate - cold)
        return total + hot / rate * fast / (rate - fast)

    # Limits, instant by instant.

    def occupied(self, t: int) -> list[tuple[dict[str, Any], str, int]]:
        """(unit, site, count) of everybody who takes room; t = -1 is before anything starts."""
        rows = [(u, s, n) for u in self.units for s, n in u["current"].items() if s not in self.dead]
        for act in self.acts:
            for unit, count in act["parts"]:
                if self.taken(act, t):
                    rows.append((unit, act["target"], count))
                if self.freed(act, t):
                    rows.append((unit, act["source"], -count))
        return rows

    def double(self, t: int) -> list[tuple[dict[str, Any], str, int]]:
        """(unit, domain, count) of those who are in a domain with both ends and count once."""
        rows = []
        for act in self.acts:
            if act["same"] and self.lives_at_source(act) and self.taken(act, t) and not self.freed(act, t):
                for domain in set(self.above(act["source"])) & set(self.above(act["target"])):
                    rows += [(unit, domain, count) for unit, count in act["parts"]]
        return rows

    def used(self, t: int) -> dict[tuple[Any, ...], int]:
        """Use by limit: ("capacity", domain, resource), ("quota", label), ("load", label, domain, resource)."""
        total: dict[tuple[Any, ...], int] = defaultdict(int)
        inside: list[tuple[dict[str, Any], str, int]] = []
        for unit, site, count in self.occupied(t):
            inside += [(unit, domain, count) for domain in self.above(site)]
        inside += [(unit, domain, -count) for unit, domain, count in self.double(t)]
        for unit, domain, count in inside:
            for resource, amount in unit["demand"].items():
                total["capacity", domain, resource] += amount * count
            if unit["flavour"]:
                total["capacity", domain, unit["flavour"]] += count
            total["capacity", domain, "instances"] += count
        for label, rule in self.rules():
            if rule["rule"] != "quota":
                continue
            for unit, domain, count in inside:
                # Everything is in one region here, or the quota names its domain.
                top = rule["domain"] or self.above(domain)[-1]
                if domain == top and (rule["groups"] == "*" or unit["group"] in rule["groups"]):
                    each = unit["demand"].get(rule["resource"], 0) if rule["resource"] else 1
                    total["quota", label] += each * count
        return total

    def limit(self, key: tuple[Any, ...]) -> int | None:
        if key[0] == "quota":
            return int(next(rule["most"] for label, rule in self.rules() if label == key[1]))
        domain, what = self.domain[key[1]], key[2]
        if what == "instances":
            return domain["most_instances"]  # type: ignore[no-any-return]
        stock = domain["capacity"].get(what) or domain["flavours"].get(what)
        if stock is None:
            return None
        amount = sum(stock.values()) - domain["reserve"].get(what, 0)
        return int(max(0, amount) * Fraction(str(domain["overcommit"].get(what, 1))))

    def rules(self) -> list[tuple[str, dict[str, Any]]]:
        named = [(r["id"] or f"{r['rule']}[{k}]", r) for k, r in enumerate(self.e["rules"])]
        return [(label, rule) for label, rule in named if rule["soft"] is None]

    def judge_limits(self) -> None:
        worst: dict[tuple[Any, ...], tuple[int, int]] = {}
        before = self.used(-1)
        for t in self.times:
            now = self.used(t)
            for key, amount in now.items():
                limit = self.limit(key)
                if limit is not None and amount > max(limit, before.get(key, 0)):
                    first, most = worst.get(key, (t, 0))
                    worst[key] = first, max(most, amount - limit)
            before = now
        for key, (first, most) in worst.items():
            self.add(*key, first, most)

    # Rules at every moment.

    def counts(self, t: int, group: str, level: str) -> dict[str, int]:
        found: dict[str, int] = defaultdict(int)
        for unit, site, count in self.occupied(t):
            if unit["group"] == group and self.at(site, level):
                found[str(self.at(site, level))] += count
        for unit, domain, count in self.double(t):
            if unit["group"] == group and self.level[domain] == level:
                found[domain] -= count
        return {domain: count for domain, count in found.items() if count}

    def broken(self, t: int, rule: dict[str, Any]) -> dict[str, dict[Any, int]]:
        """Group to what it breaks: a single amount, or one for each partner."""
        found: dict[str, dict[Any, int]] = {}
        chosen = list(self.groups) if rule["groups"] == "*" else rule["groups"]
        if rule["rule"] == "anti_affinity":
            for group in chosen:
                counts = self.counts(t, group, rule["level"]).values()
                found[group] = {None: sum(max(0, n - rule["at_most"]) for n in counts)}
        elif rule["rule"] == "separation":
            for k, one in enumerate(chosen):
                here = self.counts(t, one, rule["level"])
                found[one] = {
                    other: len(set(here) & set(self.counts(t, other, rule["level"]))) for other in chosen[k + 1 :]
                }
        return found

    def judge_rules(self) -> None:
        for label, rule in self.rules():
            if not rule["continuous"]:
                continue
            begun = self.broken(-1, rule)
            worst: dict[str, tuple[int, int]] = {}
            for t in self.times:
                for group, parts in self.broken(t, rule).items():
                    over = max((n - begun[group][k] for k, n in parts.items()), default=0)
                    if over > 0:
                        first, most = worst.get(group, (t, 0))
                        worst[group] = first, max(most, over)
            for group, (first, most) in worst.items():
                self.add("rule", label, group, first, most)

    def serving(self, t: int, group: str) -> int:
        total = 0
        for unit in self.units:
            if unit["group"] == group:
                total += sum(n for s, n in unit["current"].items() if s not in self.dead)
        for act in self.acts:
            counted = act["group"] == group and act["parts"] and (act["kind"] != "resource" or act["for_good"])
            if not counted:
                continue
            away = self.outage(act)
            if act["dead"] or act["source"] is None:
                serving = [s["end_s"] for s in act["steps"] if s["serves"]]
                back = max(serving) if serving else self.moment(act, "runs")
                total += act["count"] if back is not None and back <= t else 0
            elif away is not None and away[0] <= t and (away[1] is None or t < away[1]):
                total -= act["count"]
        return total

    def judge_serving(self) -> None:
        floors: list[tuple[str, str, str, int]] = []
        for label, rule in self.rules():
            if rule["rule"] == "keep_running":
                for group in list(self.groups) if rule["groups"] == "*" else rule["groups"]:
                    begun = self.serving(-1, group)
                    least = rule["least"] if rule["least"] is not None else begun - rule["most_down"]
                    floors.append(("keep_running", label, group, max(0, min(least, begun))))
        for balancer in self.e["load_balancers"]:
            for group in balancer["backends"]:
                least = min(balancer["least_backends"], self.serving(-1, group))
                floors.append(("backends", balancer["id"], group, least))
        for fault, label, group, least in floors:
            if not least:
                continue
            short = [(t, least - self.serving(t, group)) for t in self.times]
            short = [(t, n) for t, n in short if n > 0]
            if short:
                self.add(fault, label, group, short[0][0], max(n for _, n in short))

    # What goes on at once.

    def span(self, act: dict[str, Any]) -> tuple[int, int] | None:
        working = [s for s in act["steps"] if s["do"] not in IDLE]
        if not working:
            return None
        return min(s["start_s"] for s in working), max(s["end_s"] for s in working)

    def judge_traffic(self) -> None:
        settings = self.e["migration"]
        worst: dict[tuple[Any, ...], tuple[int, int]] = {}
        for t in self.times:
            load: dict[tuple[Any, ...], int] = defaultdict(int)
            for act in self.acts:
                span = self.span(act)
                if act["kind"] in MOVING and act["parts"] and span and span[0] <= t < span[1]:
                    load["concurrency", None] += act["wide"]
                    for level in settings["most_at_once_per"]:
                        sites = [None if act["dead"] else act["source"], act["target"]]
                        for domain in {self.at(s, level) for s in sites if s} - {None}:
                            load["concurrency", domain] += act["wide"]
                for step in act["steps"]:
                    if step["start_s"] <= t < step["end_s"]:
                        for key in self.links(act, step):
                            many = act["wide"] if self.effect(step).per == "instance" else 1
                            load[key] += step["mib_per_second"] * many * 2**23
            for key, amount in load.items():
                if key[0] == "uplink":
                    uplink = self.domain[key[1]]["uplink_mbit_s"]
                    limit = None if uplink is None else uplink * 10**6
                elif key[1] is None:
                    limit = settings["most_at_once"]
                else:
                    limit = settings["most_at_once_per"][self.level[key[1]]]
                if limit is not None and amount > limit:
                    first, most = worst.get(key, (t, 0))
                    worst[key] = first, max(most, amount - limit)
        for key, (first, most) in worst.items():
            self.add(key[0], key[1], first, most)

    def links(self, act: dict[str, Any], step: dict[str, Any]) -> list[tuple[str, str, str]]:
        entries = act["how"]["steps"] if act["how"] else []
        copies = any(entry["do"] == step["do"] and entry.get("copies") for entry in entries)
        if step["mib_per_second"] is None or not copies or act["target"] is None:
            return []
        into = self.above(act["target"])
        out: list[str] = []
        if act["source"]:
            both = set(into) & set(self.above(act["source"]))
            out = [] if act["dead"] else [d for d in self.above(act["source"]) if d not in both]
            into = [d for d in into if d not in both]
        return [("uplink", d, "out") for d in out] + [("uplink", d, "in") for d in into]

    def judge_windows(self) -> None:
        windows = self.e["migration"]["windows"]
        if not windows:
            return
        start = when(self.m["starts_at"] or self.e["migration"]["starts_at"] or self.e["taken_at"]).timestamp()
        for act in self.acts:
            away = self.outage(act)
            if act["dead"] or away is None:
                continue
            for step in act["steps"]:
                apart = step["start_s"] < away[0] or (away[1] is not None and step["end_s"] > away[1])
                if apart or step["do"] in IDLE:
                    continue
                begin, end = start + step["start_s"], start + step["end_s"]
                if not any(
                    when(w["start"]).timestamp() <= begin and end <= when(w["end"]).timestamp() for w in windows
                ):
                    self.add("window", act["id"])

    def judge_one_at_a_time(self) -> None:
        level = self.e["migration"]["one_at_a_time"]
        leaving = []
        for act in self.acts:
            span = self.span(act)
            if (
                level
                and act["kind"] in MOVING
                and act["source"]
                and not act["dead"]
                and span
                and span[0] < span[1]
            ):
                domain = self.at(act["source"], level)
                if domain and domain != self.at(act["target"], level):
                    leaving.append((domain, span))
        for one, a in leaving:
            for other, b in leaving:
                if one != other and a[0] < b[1] and b[0] < a[1]:
                    self.add("one_at_a_time")

    # Subnets, images, addresses, disks.

    def seat(self, unit: dict[str, Any], site: str) -> str | None:
        if unit["subnet"]:
            return str(unit["subnet"])
        if not unit["vpcs"] and not unit["subnets"]:
            return None
        zone = self.zone(site)
        fitting = [
            s["id"]
            for s in self.e["subnets"]
            if (not unit["vpcs"] or s["vpc"] in unit["vpcs"])
            and (not unit["subnets"] or s["id"] in unit["subnets"])
            and s["zone"] in (zone, None)
        ]
        return fitting[0] if len(fitting) == 1 else None

    def room(self, name: str) -> int:
        subnet = next(s for s in self.e["subnets"] if s["id"] == name)
        virtual = sum(b["internal"] and b["subnet"] == name for b in self.e["load_balancers"])
        size = ipaddress.IPv4Network(subnet["cidr"]).num_addresses
        return int(max(0, size - subnet["reserved"] - subnet["used"] - virtual))

    def addresses(self, t: int | Turn, name: str) -> int:
        """How many instances have an address in a subnet."""
        total = 0
        for unit in self.units:
            for site, count in unit["current"].items():
                if site not in self.dead and self.seat(unit, site) == name:
                    total += count
        for act in self.acts:
            there = self.taken(act, t) and act["subnet"] == name and self.subnet_when_taken(act) is not None
            held = self.lives_at_source(act) and not self.freed(act, t)
            for unit, count in act["parts"]:
                own = self.from_seat(act, unit)
                if there:
                    total += 0 if act["same_address"] and own == name and held else count
                if own == name and self.freed(act, t):
                    total -= min(count, self.found_there.get((act["id"], unit["name"]), 0))
        return total

    def subnet_when_taken(self, act: dict[str, Any]) -> dict[str, Any] | None:
        """The subnet of an action at the turn at which it takes addresses; None where it is not there."""
        taking = next(s for s in act["steps"] if self.effect(s).takes_target)
        state = self.subnet_at(act["subnet"], self.turn(taking, self.effect(taking).takes_target))
        return state if state is not None and state["there"] else None

    def from_seat(self, act: dict[str, Any], unit: dict[str, Any]) -> str | None:
        """The subnet at an action's source: today's, or that of the bypass which led there."""
        for other in self.acts:
            if other["kind"] == "bypass" and other["target"] == act["source"] and other["group"] == act["group"]:
                return other["subnet"]  # type: ignore[no-any-return]
        return self.seat(unit, act["source"]) if act["source"] else None

    def subnet_at(self, name: str, before: Turn) -> dict[str, Any] | None:
        """A subnet just before a turn: whether it is there, whether its block is taken, its zone."""
        found = None
        for turn, which, state in self.subnet_log:
            if which == name and turn < before:
                found = state
        return found

    def make_subnet_log(self) -> None:
        self.subnet_log: list[tuple[Turn, str, dict[str, Any]]] = []
        for subnet in self.e["subnets"]:
            if subnet["cidr"]:
                state = {"there": True, "taken": True, "zone": subnet["zone"]}
                self.subnet_log.append(((-1, 0, 0), subnet["id"], state))
        turns = [
            (self.turn(step, when), when, step)
            for step in self.steps
            if step["do"] in ("delete_subnet", "create_subnet")
            for when in ("start", "end")
        ]
        for turn, when, step in sorted(turns, key=lambda entry: entry[0]):
            state = self.subnet_at(step["thing"], turn)
            change = getattr(self, f"{step['do'].removesuffix('_subnet')}_{when}")(step, turn, state)
            if change is not None:
                self.subnet_log.append((turn, step["thing"], {**(state or {}), **change}))

    def delete_start(
        self, step: dict[str, Any], turn: Turn, state: dict[str, Any] | None
    ) -> dict[str, Any] | None:
        if state is None or not state["there"]:
            self.add("subnet", step["id"])
            return None
        subnet = next(s for s in self.e["subnets"] if s["id"] == step["thing"])
        dead = state["zone"] is not None and self.all_dead(state["zone"])
        virtual = sum(b["internal"] and b["subnet"] == step["thing"] for b in self.e["load_balancers"])
        if dead or subnet["used"] or virtual or self.addresses(turn, step["thing"]):
            self.add("subnet", step["id"])
        return {"there": False}

    def delete_end(self, step: dict[str, Any], turn: Turn, state: dict[str, Any] | None) -> dict[str, Any] | None:
        return None if state is None else {"taken": False}

    def create_start(
        self, step: dict[str, Any], turn: Turn, state: dict[str, Any] | None
    ) -> dict[str, Any] | None:
        subnet = next((s for s in self.e["subnets"] if s["id"] == step["thing"]), None)
        if subnet is None or (state is not None and state["taken"]):
            self.add("subnet", step["id"])
            return None
        block = ipaddress.IPv4Network(step["cidr"] or subnet["cidr"])
        others = [o for o in self.e["subnets"] if o["id"] != step["thing"] and o["vpc"] == subnet["vpc"]]
        now = [(o, self.subnet_at(o["id"], turn)) for o in others]
        blocks = [ipaddress.IPv4Network(o["cidr"]) for o, other in now if other is not None and other["taken"]]
        zone = self.at(step["at"], "zone")
        wrong = step["cidr"] not in (None, subnet["cidr"]) or (zone is not None and self.all_dead(zone))
        if wrong or any(block.overlaps(other) for other in blocks):
            self.add("subnet", step["id"])
        return {"there": False, "taken": True, "zone": zone}

    def create_end(self, step: dict[str, Any], turn: Turn, state: dict[str, Any] | None) -> dict[str, Any] | None:
        return None if state is None else {"there": True}

    def judge_subnets(self) -> None:
        for act in self.acts:
            at = next((s for s in act["steps"] if self.effect(s).takes_target), None)
            if at is None or not act["parts"] or act["subnet"] is None or act["target"] is None:
                continue
            turn = self.turn(at, self.effect(at).takes_target)
            own = {self.from_seat(act, u) for u, _ in act["parts"]}
            held = self.lives_at_source(act) and not self.freed(act, turn)
            if act["same_address"] and held and own == {act["subnet"]}:
                continue
            state = self.subnet_when_taken(act)
            if state is None or state["zone"] not in (None, self.zone(act["target"])):
                self.add("subnet", "seats", act["id"])
        self.judge_addresses()
        self.judge_chosen()

    def judge_addresses(self) -> None:
        for subnet in self.e["subnets"]:
            before, worst = self.addresses(-1, subnet["id"]), (0, 0)
            for t in self.times:
                now = self.addresses(t, subnet["id"])
                if now > max(self.room(subnet["id"]), before):
                    worst = worst[0] if worst[1] else t, max(worst[1], now - self.room(subnet["id"]))
                before = now
            if worst[1]:
                self.add("subnet", "addresses", subnet["id"], *worst)

    def judge_chosen(self) -> None:
        for entry in self.m["target"]["subnets"] if self.m["target"] else []:
            state = self.subnet_at(entry["subnet"], (10**9, 9, 0))
            if state is not None and (not state["there"] or state["zone"] != entry["zone"]):
                self.add("subnet", "end", entry["subnet"])

    def judge_things(self) -> None:
        for act in self.acts:
            for step in act["steps"]:
                self.judge_thing(act, step)

    def judge_thing(self, act: dict[str, Any], step: dict[str, Any]) -> None:
        do, name, start = step["do"], step["thing"], step["start_s"]
        region = self.at(act["target"], "region")
        if do == "create_instance" and act["target"]:
            own = [s for s in act["steps"] if s["do"] == "create_image"]
            made = {self.at(act["source"], "region") for s in own if s["end_s"] <= start}
            made |= {
                self.at(s["at"] or act["target"], "region")
                for s in act["steps"]
                if s["do"] == "copy_image" and s["end_s"] <= start
            }
            if own and region not in made:
                self.add("image", step["id"])
            for unit, _ in act["parts"]:
                if not own and unit["image"] and not self.image_is_in(unit["image"], act["target"]):
                    brought = any(
                        s["do"] == "copy_image"
                        and s["thing"] == unit["image"]
                        and s["end_s"] <= start
                        and self.at(s["at"] or self.act_of[s["action"]]["target"], "region") == region
                        for s in self.steps
                    )
                    if not brought:
                        self.add("image", step["id"])
        elif do in ("restore_system", "restore_disk"):
            for unit, _ in act["parts"]:
                needed = do == "restore_disk" or unit["stateful"]
                of = {name} if do == "restore_disk" else {unit["name"], unit["group"], None}
                copies = [s for s in self.e["snapshots"] if s["id"] in unit["snapshots"] and s["of"] in of]
                living = [c for c in copies if not any(self.all_dead(p) for p in (c["zone"], c["region"]) if p)]
                if needed and not living and (do == "restore_system" or name in unit["disks"]):
                    self.add("copy", step["id"])
        elif do == "start" and act["dead"]:
            for unit, _ in act["parts"]:
                if unit["stateful"] and (
                    unit["movability"]["local_disk"] or self.all_dead(self.zone(act["source"]))
                ):
                    self.add("copy", step["id"])
        elif do in ("associate_address", "attach_disk"):
            self.judge_holder(act, step, do == "attach_disk")

    def judge_holder(self, act: dict[str, Any], step: dict[str, Any], disk: bool) -> None:
        name, start = step["thing"], step["start_s"]
        things = {t["id"]: t for t in self.e["disks" if disk else "elastic_ips"]}
        if name not in things or (disk and not act["parts"]):
            self.add("disk" if disk else "elastic_ip", step["id"])
            return
        if disk:
            done = [s for s in act["steps"] if s["thing"] == name and s["end_s"] <= start]
            if any(s["do"] in ("copy_disk", "restore_disk") for s in done):
                return
        away, to = ("detach_disk", "attach_disk") if disk else ("dissociate_address", "associate_address")
        field = "disks" if disk else "elastic_ips"
        holder: Any = next((u for u in reversed(self.units) if name in u[field]), None)
        if holder is not None and holder["current"] and set(holder["current"]) <= self.dead:
            holder = None
        order = sorted(
            (s["end_s"], k, s) for k, s in enumerate(self.steps) if s["thing"] == name and s["do"] in (away, to)
        )
        for end, _, other in order:
            if end <= start and other["id"] != step["id"]:
                other_act = self.act_of[other["action"]]
                holder = None if other["do"] == away else other_act["parts"][0][0] if other_act["parts"] else None
        mine = act["parts"][0][0] if act["parts"] else None
        if holder is not None and not (holder is mine and holder["name"] is None):
            self.add("disk" if disk else "elastic_ip", step["id"])
        elif act["target"] and disk and not self.disk_reaches(name, act):
            self.add("disk", step["id"])
        elif act["target"] and not disk and act["parts"]:
            home = things[name]["region"]
            if (home and home != self.at(act["target"], "region")) or (home and self.all_dead(home)):
                self.add("elastic_ip", step["id"])

    # Who is where, and the end.

    def judge_people(self) -> None:
        """Seats are (site, subnet): who leaves a site leaves other subnets before the one that it goes to."""
        seats: Seats = defaultdict(lambda: defaultdict(int))
        lost: Seats = defaultdict(lambda: defaultdict(int))
        nowhere: dict[tuple[str, str | None], int] = {}
        for unit in self.units:
            key = unit["group"], unit["name"]
            for site, count in unit["current"].items():
                pool = lost if site in self.dead else seats
                pool[key][site, None if site in self.dead else self.seat(unit, site)] += count
            nowhere[key] = unit["count"] - sum(unit["current"].values())
        for _, _, _, what, act in sorted(self.comings_and_goings(), key=lambda e: e[:3]):
            for unit, count in act["parts"]:
                key = unit["group"], unit["name"]
                if what == "arrive":
                    seats[key][act["target"], act["subnet"]] += count
                    continue
                if act["source"] is None:
                    found = min(count, nowhere[key])
                    nowhere[key] -= found
                else:
                    found = self.leave((lost if act["dead"] else seats)[key], act, count)
                self.found_there[act["id"], unit["name"]] = found
                if found < count:
                    self.add("source", act["id"])
        self.judge_end(seats)

    def leave(self, pool: dict[tuple[str, str | None], int], act: dict[str, Any], count: int) -> int:
        found = 0
        order = sorted(pool, key=lambda seat: (seat[1] == act["subnet"], seat[1] is None, seat[1] or ""))
        for seat in order:
            if seat[0] == act["source"]:
                share = min(count - found, pool[seat])
                pool[seat] -= share
                found += share
        return found

    def comings_and_goings(self) -> list[tuple[int, int, int, str, dict[str, Any]]]:
        """(second, phase, order, what, action): ends, then steps without length by their needs, then starts."""
        found = []
        for act in self.acts:
            if not act["parts"] or act["kind"] == "takeover" or not act["steps"]:
                continue
            if act["kind"] == "resource" and not act["for_good"]:
                continue
            first = min(act["steps"], key=lambda s: (s["start_s"], s["end_s"] > s["start_s"], self.place(s)))
            found.append((first["start_s"], 1 if self.instant(first) else 2, 2 * self.place(first), "leave", act))
            runs = next((s for s in act["steps"] if self.effect(s).runs), None)
            if runs is not None and act["target"]:
                phase = 1 if self.instant(runs) else 0
                found.append(
                    (
                        runs["end_s"] if phase == 0 else runs["start_s"],
                        phase,
                        2 * self.place(runs) + 1,
                        "arrive",
                        act,
                    )
                )
        return found

    def instant(self, step: dict[str, Any]) -> bool:
        return bool(step["end_s"] <= step["start_s"])

    def place(self, step: dict[str, Any]) -> int:
        """A step's turn among those of its instant: after all that it needs there."""
        if not self.instant(step):
            return self.position[step["id"]]
        here = [s for s in self.steps if self.instant(s) and s["start_s"] == step["start_s"]]
        order: list[str] = []
        names = {s["id"] for s in here}

        def visit(name: str, path: tuple[str, ...]) -> None:
            if name in order:
                return
            for need in self.step[name]["needs"]:
                if need in names and need not in path:
                    visit(need, (*path, need))
            order.append(name)

        for other in here:
            visit(other["id"], (other["id"],))
        return order.index(step["id"])

    def judge_end(self, seats: Seats) -> None:
        """All are where the target has them, but for losses that stay where they have to leave."""
        stay: dict[str, int] = defaultdict(int)
        stayed: dict[str, int] = defaultdict(int)
        for loss in self.m["losses"]:
            if loss["reason"] in ("left_behind", "pinned"):
                stay[loss["group"]] += loss["count"]
        wanted: Seats = defaultdict(lambda: defaultdict(int))
        for row in self.m["target"]["placements"]:
            for name in row["instances"]:
                wanted[row["group"], name][row["site"], row["subnet"]] += 1
            rest = row["count"] - len(row["instances"])
            if rest:
                wanted[row["group"], None][row["site"], row["subnet"]] += rest
        for unit in self.units:
            there, asked = seats[unit["group"], unit["name"]], wanted[unit["group"], unit["name"]]
            for site in [s for s in self.sites if s in {seat[0] for seat in (*there, *asked)}]:
                here = {seat[1]: n for seat, n in there.items() if seat[0] == site and n}
                to_be = {seat[1]: n for seat, n in asked.items() if seat[0] == site and n}
                more, left = sum(here.values()) - sum(to_be.values()), 0
                if more > 0 and site in self.left - self.dead:
                    left = min(more, stay[unit["group"]])
                    stay[unit["group"]] -= left
                    stayed[unit["group"]] += left
                beyond = sum(max(0, n - to_be.get(s, 0)) for s, n in here.items() if s is not None)
                if more != left or (None not in to_be and beyond > left):
                    self.add("target", None, unit["group"], site)
        said: dict[str, int] = defaultdict(int)
        for loss in self.m["losses"]:
            said[loss["group"]] += loss["count"]
        for group in self.groups:
            ran = sum(sum(u["current"].values()) for u in self.units if u["group"] == group)
            ran += sum(a["count"] for a in self.acts if a["group"] == group and a["kind"] == "start")
            placed = sum(sum(seats[group, u["name"]].values()) for u in self.units if u["group"] == group)
            took = sum(
                a["count"] for a in self.acts if a["group"] == group and a["kind"] == "takeover" and a["dead"]
            )
            missing = ran - (placed - stayed[group]) - took
            if missing > said[group]:
                self.add("missing", group, missing - said[group])
        self.judge_target(wanted)

    def judge_target(self, wanted: Seats) -> None:
        """The rules that these estates have, on the target; what was broken before may be as it was."""
        strict = self.m["event"]["to"]
        after = [
            (self.unit(*key), site, n) for key, there in wanted.items() for (site, _), n in there.items() if n
        ]
        before = [] if strict else self.occupied(-1)
        once = self.excesses(before)
        for key, amount in self.excesses(after).items():
            if amount > once.get(key, 0):
                self.add("target", *key[:3])
        for unit, site, _ in after:
            if site in self.left:
                self.add("target", "zone_state", unit["group"], self.zone(site))

    def excesses(self, rows: list[tuple[dict[str, Any], str, int]]) -> dict[tuple[Any, ...], int]:
        """(rule, group, domain, what) to how much too much."""
        found: dict[tuple[Any, ...], int] = {}
        total: dict[tuple[str, str], int] = defaultdict(int)
        by_group: dict[tuple[str, str], int] = defaultdict(int)
        for unit, site, count in rows:
            for domain in self.above(site):
                for resource, amount in unit["demand"].items():
                    total[domain, resource] += amount * count
                if unit["flavour"]:
                    total[domain, unit["flavour"]] += count
                total[domain, "instances"] += count
                by_group[unit["group"], domain] += count
        for (domain, what), amount in total.items():
            limit = self.limit(("capacity", domain, what))
            if limit is not None and amount > limit:
                found["capacity", None, domain, what] = amount - limit
        for label, rule in self.rules():
            chosen = list(self.groups) if rule.get("groups", "*") == "*" else rule["groups"]
            if rule["rule"] == "anti_affinity":
                for (group, domain), count in by_group.items():
                    if group in chosen and self.level[domain] == rule["level"] and count > rule["at_most"]:
                        found[label, group, domain, None] = count - rule["at_most"]
            elif rule["rule"] == "separation":
                for k, one in enumerate(chosen):
                    for other in chosen[k + 1 :]:
                        for domain in [d for d in self.level if self.level[d] == rule["level"]]:
                            if by_group[one, domain] > 0 and by_group[other, domain] > 0:
                                key = label, one, domain, None
                                found[key] = found.get(key, 0) + 1
            elif rule["rule"] == "quota":
                used = sum(
                    (unit["demand"].get(rule["resource"], 0) if rule["resource"] else 1) * count
                    for unit, site, count in rows
                    if unit["group"] in chosen and (rule["domain"] is None or rule["domain"] in self.above(site))
                )
                if used > rule["most"]:
                    found[label, None, rule["domain"], None] = used - rule["most"]
        return found
