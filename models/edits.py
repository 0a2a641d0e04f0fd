"""Changes of an estate in a few words, for what-if questions: `groups.web.count=12`.

A path names a section, an entry by its identifier, and the fields inside it; a value is written as in YAML. An
entry or a field that is set to `null` is gone; `SECTION+={...}` adds an entry. Rules without an identifier are
called by kind and position, as every report does: `rules.spread[2].least_domains=2`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast, get_args

from pydantic import TypeAdapter, ValidationError

from zonewright.models.base import Record
from zonewright.models.estate import Estate
from zonewright.models.problems import InputError, maybe, printable
from zonewright.models.purchases import SECTIONS
from zonewright.models.quantities import SPELLINGS, as_fraction
from zonewright.models.rules import AnyRule
from zonewright.models.topology import Domain
from zonewright.models.wording import first_problem
from zonewright.models.world import World

#: Sections of domains.
_DOMAINS = (*SECTIONS.values(), "domains")
#: Fields of which only one may be given: setting one takes the other away.
_EITHER = {"state": "states", "states": "state", "flavour": "demand", "demand": "flavour"}


@dataclass(frozen=True)
class Edit:
    """One change. `path` is as it was written."""

    path: str
    value: Any
    adds: bool = False
    """The value is a new entry of the section."""

    @property
    def text(self) -> str:
        """As a user writes it."""
        import json

        return f"{self.path}{'+' if self.adds else ''}={json.dumps(self.value, ensure_ascii=False)}"


def parse_edit(text: str) -> Edit:
    """Read an edit such as `groups.web.count=12`. Raises InputError where it is none."""
    from zonewright.models.yaml_text import parse_yaml_text

    path, equals, value = text.partition("=")
    path = path.strip()
    if not equals or not path.strip("+"):
        raise InputError(f"{printable(text)} is no edit. Maybe groups.web.count=12?")
    adds = path.endswith("+")
    try:
        known = parse_yaml_text(value, None) if value.strip() else value.strip()
    except InputError as error:
        raise InputError(f"{printable(text)}: the value {error.what}") from None
    return Edit(path.removesuffix("+"), known, adds)


def apply_edits(estate: Estate, edits: Iterable[Edit | str]) -> Estate:
    """Return the estate with the changes made one after another.

    Raises InputError at the first that names what is not there, with the nearest name, or gives a value that
    cannot be. Names that only make sense together are looked up when the estate is resolved.
    """
    for entry in edits:
        edit = parse_edit(entry) if isinstance(entry, str) else entry
        try:
            estate = _applied(estate, edit)
        except InputError as error:
            if error.source is None:
                error.source = edit.text
            raise
    return estate


def scaled(estate: Estate, factors: Mapping[str, float | Fraction]) -> Estate:
    """Return the estate with so many times as many instances of some groups, rounded up.

    `all` stands for every group that is not named. What a group has to carry grows with it. Where a group gets
    smaller than what runs of it, the last ones of its current placement are gone.
    """
    return resized(estate, _wanted(estate, factors))


def _wanted(estate: Estate, factors: Mapping[str, float | Fraction]) -> dict[str, int]:
    known = {group.id for group in estate.groups}
    for name in factors:
        if name != "all" and name not in known:
            raise InputError(f"unknown group {name}.{maybe(name, (*known, 'all'))}")
    found: dict[str, int] = {}
    for group in estate.groups:
        factor = factors.get(group.id, factors.get("all"))
        if factor is not None:
            exact = factor if isinstance(factor, Fraction) else as_fraction(factor)
            if exact < 0:
                raise InputError(f"{group.id} cannot be scaled by {float(exact):g}")
            found[group.id] = -int(-exact * group.count // 1)
    return found


def resized(estate: Estate, counts: Mapping[str, int]) -> Estate:
    """Return the estate with these counts of groups; what they have to carry grows with them."""
    named: dict[str, list[str]] = {}
    for instance in estate.instances:
        named.setdefault(instance.group, []).append(instance.id)
    dropped: set[str] = set()
    groups = list(estate.groups)
    for position, group in enumerate(groups):
        count = counts.get(group.id, group.count)
        if count == group.count:
            continue
        update: dict[str, Any] = {"count": count}
        if group.load is not None and group.count:
            update["load"] = -(-group.load * count // group.count)
        names = named.get(group.id, [])
        dropped.update(names[count:])
        rest = max(0, count - len(names))
        if sum(group.current.values()) > rest:
            update["current"] = _first(group.current, rest)
        groups[position] = group.model_copy(update=update)
    found: dict[str, Any] = {"groups": groups}
    if dropped:
        found["instances"] = [i for i in estate.instances if i.id not in dropped]
    return estate.model_copy(update=found)


def _first(current: Mapping[str, int], count: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for site, here in current.items():
        if min(here, count):
            found[site] = min(here, count)
            count -= found[site]
    return found


def with_zone(estate: Estate, zone: str, like: str | None = None) -> Estate:
    """Return the estate with one more zone: a copy of another, its racks, hosts, stock and prices, empty.

    By default of the first zone. It is as far from other zones as the one that it is like, and from that one as
    far as the farthest zone of the region is. What is offered there is offered in the new zone, too.
    """
    world = World(estate)
    tree = world.tree
    zones = [node.id for node in tree.nodes if node.level == "zone"]
    if not zones:
        raise InputError("the estate has no zone that another could be like")
    if zone in tree.by_id:
        raise InputError(f"{zone} is there already")
    model = like or zones[0]
    if model not in zones:
        raise InputError(f"unknown zone {model}.{maybe(model, zones)}")
    names = {model: zone}
    update: dict[str, Any] = {}
    for node in tree.nodes:
        if node.id == model or (node.parent is not None and tree.nodes[node.parent].id in names):
            name = names.setdefault(node.id, _renamed(node.id, model, zone))
            parent = node.domain.parent if node.id == model else names[tree.nodes[node.parent or 0].id]
            section = SECTIONS.get(node.level, "domains")
            fields = {"id": name, "parent": parent, "count": None, "name": None}
            update.setdefault(section, list(getattr(estate, section))).append(
                node.domain.model_copy(update=fields)
            )
    update["latencies"] = [*estate.latencies, *_distances(world, names)]
    update["links"] = [*estate.links, *_copied(estate.links, names)]
    update["traffic_prices"] = [*estate.traffic_prices, *_copied(estate.traffic_prices, names)]
    update["offers"] = [_offered(offer, names) for offer in estate.offers]
    update["flavours"] = [
        f.model_copy(update={"price": _twice(f.price, names)}) if f.price.keys() & names.keys() else f
        for f in _flavours(world, names)
    ]
    if estate.consider and model in estate.consider:
        update["consider"] = [*estate.consider, zone]
    return estate.model_copy(update=update)


def _renamed(name: str, model: str, zone: str) -> str:
    return name.replace(model, zone, 1) if model in name else f"{zone}-{name}"


def _flavours(world: World, names: Mapping[str, str]) -> list[Any]:
    """Return the estate's flavours, and those of catalogues that have a price in the zone that is copied."""
    own = {flavour.id for flavour in world.estate.flavours}
    priced = (f for f in world.flavours.values() if f.id not in own and f.price.keys() & names.keys())
    return [*world.estate.flavours, *priced]


def _distances(world: World, names: Mapping[str, str]) -> list[Any]:
    from zonewright.models.topology import Latency

    entries = [entry for c in world.catalogues for entry in c.latencies] + list(world.estate.latencies)
    found = [entry for entry in _copied(entries, names) if set(entry.between) - set(names)]
    model, zone = next(iter(names.items()))
    tree = world.tree
    here = tree.by_id[model]
    near = [z for z in tree.domains_at("zone") if z != here and world.same_region(z, here)]
    far = [t for z in near if (t := world.latency(here, z)) is not None]
    if far:
        found.append(Latency(between=[model, zone], rtt_ms=max(far) / 1000))
    return found


def _copied(entries: Sequence[Any], names: Mapping[str, str]) -> list[Any]:
    """Return a copy of every entry between two domains of which one, or both, are copied."""
    return [
        entry.model_copy(update={"between": [names.get(name, name) for name in entry.between]})
        for entry in entries
        if set(entry.between) & set(names)
    ]


def _offered(offer: Any, names: Mapping[str, str]) -> Any:
    more = [names[zone] for zone in offer.zones if zone in names]
    update = {"zones": [*offer.zones, *more], "prices": _twice(offer.prices, names)}
    return offer.model_copy(update=update) if more else offer


def _twice(prices: Mapping[str, float], names: Mapping[str, str]) -> dict[str, float]:
    return {**prices, **{names[zone]: price for zone, price in prices.items() if zone in names}}


def _applied(estate: Estate, edit: Edit) -> Estate:
    fields = Estate.model_fields
    section, _, rest = edit.path.partition(".")
    if section not in fields:
        raise InputError(f"unknown section {section}.{maybe(section, fields)}")
    value = getattr(estate, section)
    listed = isinstance(value, list) and _record_of(section) is not None
    if edit.adds:
        if rest or not listed:
            raise InputError(f"only entries of a section can be added: {section}+={{...}}")
        return _with(estate, section, [*value, _built(section, edit.value, ())])
    if listed and rest:
        return _with(estate, section, _entry_changed(estate, section, value, rest, edit.value))
    data: Any = edit.value
    if rest:
        kind: TypeAdapter[Any] = TypeAdapter(cast(Any, fields[section].annotation))
        plain = kind.dump_python(value, mode="json", exclude_unset=True)
        data = _set(plain, rest.split("."), edit.value, section)
    try:
        return Estate.model_validate({**dict(estate), section: data}, by_name=True)
    except ValidationError as error:
        path, what = first_problem(Estate, {section: data}, error.errors(include_url=False))
        raise InputError(what, path=path) from None


def _with(estate: Estate, section: str, entries: list[Any]) -> Estate:
    return estate.model_copy(update={section: entries})


def _record_of(section: str) -> Any:
    """Return what the entries of a section are, None where it is no list of records."""
    arguments = get_args(Estate.model_fields[section].annotation)
    if section == "rules":
        return AnyRule
    kind = arguments[0] if arguments else None
    return kind if isinstance(kind, type) and issubclass(kind, Record) else None


def _entry_changed(estate: Estate, section: str, entries: list[Any], rest: str, value: Any) -> list[Any]:
    names = _names(section, entries)
    name = _longest(rest, names)
    if name is None and section in _DOMAINS:
        entries, names = _with_domain(estate, section, list(entries), rest)
        name = _longest(rest, names)
    if name is None:
        wanted = rest.split(".")[0]
        raise InputError(f"unknown entry {wanted} of {section}.{maybe(wanted, names)}")
    position = names.index(name)
    inside = rest[len(name) + 1 :]
    changed = list(entries)
    if not inside and value is None:
        del changed[position]
        return changed
    data = value
    if inside:
        data = entries[position].model_dump(mode="json", exclude_unset=True, by_alias=True)
        data = _set(data, inside.split("."), value, f"{section}.{name}")
    if section == "rules":
        data = {"rule": entries[position].rule, **data} if isinstance(data, dict) else data
    elif "id" in type(entries[position]).model_fields and isinstance(data, dict):
        data = {"id": entries[position].id, **data}
    changed[position] = _built(section, data, (section, name))
    return changed


def _names(section: str, entries: Sequence[Any]) -> list[str]:
    """Return what every entry of a section is called."""
    if section == "rules":
        return [rule.id or f"{rule.rule}[{n}]" for n, rule in enumerate(entries)]
    return [getattr(entry, "id", None) or str(n) for n, entry in enumerate(entries)]


def _longest(rest: str, names: Iterable[str]) -> str | None:
    """Return the longest name that a path begins with: names may hold dots."""
    fitting = [name for name in names if rest == name or rest.startswith(f"{name}.")]
    return max(fitting, key=len, default=None)


def _with_domain(estate: Estate, section: str, entries: list[Any], rest: str) -> tuple[list[Any], list[str]]:
    """Give a domain of a catalogue, or one of several that are counted together, an entry of its own."""
    world = World(estate)
    level = {s: level for level, s in SECTIONS.items()}.get(section)
    known = [n for n in world.tree.nodes if (n.level == level if level else n.level not in SECTIONS)]
    name = _longest(rest, (node.id for node in known))
    if name is None:
        wanted = rest.split(".")[0]
        raise InputError(f"unknown domain {wanted} in {section}.{maybe(wanted, (n.id for n in known))}")
    node = world.tree.nodes[world.tree.by_id[name]]
    for position, entry in enumerate(entries):
        if entry.count is not None and name.startswith(f"{entry.id}-"):
            single = [
                entry.model_copy(update={"id": f"{entry.id}-{n}", "count": None}) for n in range(entry.count)
            ]
            entries[position : position + 1] = single
            return entries, [e.id for e in entries]
    # Amounts by name are replaced as a whole: begin from those that hold today.
    own = Domain(id=name).model_copy(
        update={f: getattr(node.domain, f) for f in ("capacity", "flavours", "overcommit", "reserve", "price")}
    )
    entries.append(own)
    return entries, [e.id for e in entries]


def _set(data: Any, steps: list[str], value: Any, where: str) -> Any:
    """Return plain data with one value set; other spellings of a resource are folded."""
    if isinstance(data, list):
        return _set_in_list(data, steps, value, where)
    if not isinstance(data, dict):
        raise InputError(f"{where} has no fields inside")
    step, rest = steps[0], steps[1:]
    data = dict(data)
    if step not in data and (longer := _longest(".".join(steps), data)) is not None:
        step, rest = longer, [s for s in ".".join(steps)[len(longer) + 1 :].split(".") if s]
    unit, factor = SPELLINGS.get(step, (step, 1))
    if factor != 1 and unit in data:
        if rest and isinstance(data[unit], dict) and isinstance(value, int | float):
            step, value = unit, _whole(value, factor, f"{where}.{step}")
        else:
            del data[unit]
    if rest:
        data[step] = _set(data.get(step, {}), rest, value, f"{where}.{step}")
    elif value is None:
        data.pop(step, None)
    else:
        data[step] = value
        if _EITHER.get(step) in data:
            del data[_EITHER[step]]
    return data


def _whole(value: float, factor: int, where: str) -> int:
    exact = as_fraction(value) * factor
    if exact.denominator != 1:
        raise InputError(f"{where}: {value} is no whole number of its smaller unit")
    return int(exact)


def _set_in_list(data: list[Any], steps: list[str], value: Any, where: str) -> list[Any]:
    step, rest = steps[0], steps[1:]
    if not step.isdecimal() or int(step) >= len(data):
        raise InputError(f"{where} is a list of {len(data)}: give a position from 0")
    data = list(data)
    if not rest and value is None:
        del data[int(step)]
    else:
        data[int(step)] = _set(data[int(step)], rest, value, f"{where}.{step}") if rest else value
    return data


def _built(section: str, data: Any, path: tuple[str, ...]) -> Any:
    record = _record_of(section)
    try:
        return TypeAdapter(record).validate_python(data)
    except ValidationError as error:
        model: Any = Estate if section == "rules" else record
        at, what = first_problem(cast(Any, model), data, error.errors(include_url=False))
        raise InputError(what, path=(*(path or (section,)), *at)) from None


__all__ = ["Edit", "apply_edits", "parse_edit", "resized", "scaled", "with_zone"]
