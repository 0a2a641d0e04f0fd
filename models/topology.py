"""Where things can be: regions, zones, racks, hosts, and what connects them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from zonewright.models.base import Name, Record, Source, Text
from zonewright.models.quantities import SPELLINGS, Amount, Amounts, Count, Millis, Money, fold_spellings


class State(StrEnum):
    """What a product in a zone is ready for."""

    OPEN = "open"
    """Instances run and start here."""
    SOLD_OUT = "sold_out"
    """What is there stays; nothing enters, and what leaves cannot return."""
    COMING_SOON = "coming_soon"
    """Nothing can be here yet."""
    FAILED = "failed"
    """Nothing runs here."""
    DRAINING = "draining"
    """What is there runs for now; nothing enters."""
    SUSPECT = "suspect"
    """Still running, not trusted; nothing enters."""


class Provision(StrEnum):
    """Whether a region has a service."""

    PROVIDED = "provided"
    MISSING = "missing"
    NOT_STATED = "not_stated"


class Stock(Record):
    """How much there is of one thing, by how sure it is."""

    owned: Amount = 0
    """Paid for and ours."""
    reserved: Amount = 0
    """Set aside for us by the provider."""
    on_offer: Amount = 0
    """For sale to anybody: not counted when a domain is lost, unless a survive rule says so."""

    @property
    def total(self) -> int:
        """All three together."""
        return self.owned + self.reserved + self.on_offer

    @property
    def firm(self) -> int:
        """What is still there for us on the day that everybody buys: owned and reserved."""
        return self.owned + self.reserved


def _stocks(value: object) -> object:
    """Read a bare number as owned."""
    if isinstance(value, dict):
        plain = {k: v for k, v in value.items() if not isinstance(v, dict)}
        folded = fold_spellings(plain)
        rest: dict[str, object] = {}
        for name, parts in value.items():
            if isinstance(parts, dict):
                unit, factor = SPELLINGS.get(name, (name, 1))
                if unit in rest:
                    raise ValueError(f"gives {unit} twice")
                spelled = {part: fold_spellings({name: amount}) for part, amount in parts.items()}
                rest[unit] = {part: by_unit[unit] for part, by_unit in spelled.items()} if factor != 1 else parts
        for name in rest:
            if name in folded:
                raise ValueError(f"gives {name} twice")
        for name, amount in folded.items():
            if isinstance(amount, bool) or not isinstance(amount, int):
                raise ValueError(f"{name} is no whole number")
        return {**{k: {"owned": v} for k, v in folded.items()}, **rest}
    return value


Stocks = Annotated[dict[str, Stock], BeforeValidator(_stocks)]


class Domain(Record):
    """One node of the topology tree. A domain without children is a site: instances can be put there."""

    id: Name
    """Unique over the whole estate."""
    parent: Name | None = Field(default=None, alias="in")
    """The domain that this one is in; a region has none."""
    also_in: list[Name] = []
    """Domains of further levels that it belongs to as well, and all below it: a power feed, a network segment."""
    name: Text | None = None
    """What people call it."""
    level: Name | None = None
    """Its level; only needed under `domains`, since `zones:` and the like imply it."""
    count: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Stands for this many equal hosts, `ID-0` to `ID-(count-1)`."""
    country: Name | None = None
    """ISO 3166 code, for residency (regions)."""
    state: State | None = None
    """One state for every product."""
    states: dict[Name, State] = {}
    """State by product (`cvm`, `cpm`, ...). A zone that lists products offers only those it lists."""
    requires: list[Name] = []
    """Entitlements that an account needs to place anything here."""
    services: dict[Name, Provision] = {}
    """Services of a region by name; one that is not listed is not stated."""
    capacity: Stocks = {}
    """Capacity by resource; a resource that is not listed has no limit here."""
    safe: Amounts = {}
    """Comfortably used up to this much, by resource: a `load` rule without a share asks for no more."""
    flavours: Stocks = {}
    """Stock by flavour; a flavour that is not listed has no limit here."""
    most_instances: Count | None = None
    """At most this many instances, whatever their size."""
    overcommit: dict[str, Annotated[float, Field(gt=0, le=100)]] = {}
    """Factor by resource: usable is the floor of (stock - reserve) x factor."""
    reserve: Amounts = {}
    """Set aside by resource (for the host itself, for failover, for growth)."""
    labels: dict[Name, Text] = {}
    """Free labels; rules on allowed and forbidden domains can select by them. Children inherit."""
    families: list[Name] = []
    """A pool that takes only flavours of these families."""
    price: dict[str, Money] = {}
    """Price per month of one unit: `cpu_cores`, `memory_gib`, `disk_gib`, `gpu_cards`. Children inherit."""
    open_cost: Money = 0.0
    """Cost per month once anything is here."""
    uplink_mbit_s: Annotated[int, Field(ge=1, le=10**9)] | None = None
    """Bandwidth for migrations into this domain, and as much out of it, shared by all under way."""
    ready_after_s: Annotated[int, Field(ge=0, le=10**8)] | None = None
    """Off today: nothing arrives here, or in what is in it, before this second of a migration."""
    failures_per_year: Annotated[float, Field(ge=0, le=1000)] | None = None
    """How often this domain fails."""
    hours_to_repair: Annotated[float, Field(ge=0, le=10_000)] | None = None
    """How long a failure lasts."""
    source: Source | None = None

    @model_validator(mode="after")
    def _one_form_of_state(self) -> Self:
        if self.state is not None and self.states:
            raise ValueError("gives both state and states: keep one")
        return self


class Latency(Record):
    """Round trip between two domains, or between a client location and a domain. Holds both ways."""

    between: Annotated[list[Name], Field(min_length=2, max_length=2)]
    """Two domains or client locations; one domain twice for the round trip inside it."""
    rtt_ms: Millis
    percentile: Annotated[float, Field(gt=0, le=100)] = 50.0
    """Which percentile `rtt_ms` is."""
    source: Source | None = None


class Link(Record):
    """What the network between two domains, or inside one, is fit for."""

    between: Annotated[list[Name], Field(min_length=2, max_length=2)]
    """Two domains; one domain twice for everything inside it."""
    synchronous: bool | None = None
    """Fit for synchronous replication."""
    private: bool | None = None
    """Private addresses reach across (an interconnection on request, for instance)."""
    source: Source | None = None


class TrafficPrice(Record):
    """Price of one GiB from one domain to another."""

    between: Annotated[list[Name], Field(min_length=2, max_length=2)]
    """Two domains, both ways; one domain twice for traffic between different zones in it."""
    per_gib: Money
    source: Source | None = None


class Client(Record):
    """A place that users come from."""

    id: Name
    name: Text | None = None
    region: Name | None = None
    """A client in a region has the latencies of that region unless its own are given."""
