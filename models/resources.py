"""What is placed, and what it hangs on: groups, instances, networks, balancers, disks, images."""

from __future__ import annotations

import ipaddress
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from zonewright.models.base import Member, Moment, Name, Record, Source, Text
from zonewright.models.quantities import MOST_COUNT, Amounts, Count, Money, Share


def _cidr(value: str) -> str:
    try:
        ipaddress.IPv4Network(value)
    except ValueError as error:
        raise ValueError(f"is no IPv4 network: {error}") from None
    return value


Cidr = Annotated[str, AfterValidator(_cidr)]


class Kind(StrEnum):
    """What an instance is."""

    VM = "vm"
    BARE_METAL = "bare_metal"


class Flavour(Record):
    """An instance type with its resources."""

    id: Name
    family: Name | None = None
    kind: Kind = Kind.VM
    resources: Amounts
    price: dict[Name, Money] = {}
    """Price per month by domain (zone or region); the nearest ancestor with a price counts."""


class Billing(Record):
    """How an instance is paid for."""

    mode: Literal["pay_as_you_go", "prepaid"] = "pay_as_you_go"
    paid_until: Moment | None = None
    """Prepaid: staying costs nothing more until then."""

    @model_validator(mode="after")
    def _prepaid_has_a_date(self) -> Self:
        if (self.mode == "prepaid") != (self.paid_until is not None):
            raise ValueError("paid_until goes with mode prepaid, and prepaid needs it")
        return self


class Movability(Record):
    """What keeps an instance from moving while it runs."""

    local_disk: bool = False
    passthrough: bool = False
    """A device of the host is handed through."""
    may_stop: bool = True
    """It may be stopped, moved and started where nothing else gets it away."""
    cpu_model: Name | None = None
    """Needs hosts with the label cpu_model of this value."""
    memory_used_mib: Count | None = None
    """What a live migration copies; by default the whole memory."""
    dirty_mib_s: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    """Memory written per second in the long run: it has to be copied again."""
    hot_mib: Count = 0
    """Memory that is written over and over within `hot_seconds`."""
    hot_seconds: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    migrate_seconds: Annotated[int, Field(ge=1, le=10**7)] | None = None
    """How long a live migration takes, where that is known; the sizes do not matter then."""


class Targets(Record):
    """What a group promises when something fails."""

    recovery_minutes: Annotated[float, Field(ge=0, le=1e7)] | None = None
    data_loss_minutes: Annotated[float, Field(ge=0, le=1e7)] | None = None
    availability: Share | None = None


class Attachments(Record):
    """What an instance hangs on; each thing must be where the catalogue's scope says."""

    image: Name | None = None
    disks: list[Name] = []
    elastic_ips: list[Name] = []
    security_groups: list[Name] = []
    key_pairs: list[Name] = []
    route_table: Name | None = None


class Group(Attachments):
    """Instances of one application tier that are alike: 10,000 replicas are one line."""

    id: Name
    name: Text | None = None
    count: Annotated[int, Field(ge=0, le=MOST_COUNT)]
    """How many there are to be, named instances included."""
    product: Name | None = None
    """The product it is bought as (`cvm`); by default the first catalogue's."""
    kind: Kind = Kind.VM
    account: Name | None = None
    """By default the estate's first account."""
    flavour: Name | None = None
    """Either a flavour or a demand."""
    demand: Amounts = {}
    """Resources of one instance."""
    priority: Annotated[int, Field(ge=0, le=1000)] = 0
    """One instance of a higher priority outranks any number of lower ones."""
    pinned: bool = False
    """Instances that have a place keep it."""
    preemptible: bool = False
    all_or_nothing: bool = False
    """Placed whole or not at all."""
    stateful: bool = False
    """Has data that a new instance from an image would not have."""
    snapshots: list[Name] = []
    """Copies of the data; a stateful instance is recovered from these."""
    movability: Movability = Movability()
    billing: Billing = Billing()
    move_cost: Count = 1
    """What it costs to move one, for rules on the cost of moves."""
    vpcs: list[Name] = []
    """Networks it may sit in, at most one per region and account."""
    subnets: list[Name] = []
    """Only these subnets; by default any of the networks' subnets."""
    needs_services: list[Name] = []
    """Services that the region has to provide."""
    load: Annotated[int, Field(ge=0, le=10**12)] | None = None
    """What the group has to carry, in any unit (requests per second, say)."""
    throughput: Annotated[int, Field(ge=1, le=10**12)] | None = None
    """What one replica carries, in the same unit."""
    quorum: Literal["majority"] | Annotated[int, Field(ge=1, le=MOST_COUNT)] | None = None
    """How many replicas must be up for the group to work at all."""
    targets: Targets = Targets()
    standby_of: Name | None = None
    """It runs ready to take over for this group by its elastic IPs alone."""
    keep_private_ip: bool = False
    """Instances keep their private addresses when they change zone: their whole subnet goes with them."""
    clients: dict[Name, Share] = {}
    """Share of its users by client location."""
    current: dict[Name, Count] = {}
    """Where its unnamed instances are today: site to count."""
    labels: dict[Name, Text] = {}

    @model_validator(mode="after")
    def _one_form_of_size(self) -> Self:
        if (self.flavour is None) == (not self.demand):
            raise ValueError("needs exactly one of flavour and demand")
        if (self.load is None) != (self.throughput is None):
            raise ValueError("load and throughput go together")
        return self


class Instance(Attachments):
    """One named instance of a group; what is not given here is the group's."""

    id: Member
    group: Name
    site: Name | None = None
    """Where it is today."""
    subnet: Name | None = None
    """The subnet it sits in today."""
    private_ip: Annotated[str, AfterValidator(lambda v: str(ipaddress.IPv4Address(v)))] | None = None
    flavour: Name | None = None
    demand: Amounts | None = None
    priority: Annotated[int, Field(ge=0, le=1000)] | None = None
    pinned: bool | None = None
    preemptible: bool | None = None
    stateful: bool | None = None
    snapshots: list[Name] = []
    movability: Movability | None = None
    billing: Billing | None = None
    move_cost: Count | None = None
    last_moved: Moment | None = None
    labels: dict[Name, Text] = {}


class Traffic(Record):
    """What one group sends to another in a month, spread evenly over the instances of both."""

    source: Name = Field(alias="from")
    target: Name = Field(alias="to")
    gib_per_month: Annotated[int, Field(ge=0, le=10**9)]


class Service(Record):
    """A chain of groups, front first: each calls the next over private addresses unless public."""

    id: Name
    chain: Annotated[list[Name], Field(min_length=1)]
    public: bool = False
    """The calls may go over public addresses."""


class Vpc(Record):
    """A private network."""

    id: Name
    region: Name | None = None
    account: Name | None = None
    cidr: Cidr | None = None
    new_subnet_prefix: Annotated[int, Field(ge=8, le=29)] | None = None
    """The planner may cut new subnets of this prefix length from the free space."""
    growth: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Room for growth in new subnets: with 0.2 a subnet of 120 addresses takes 100."""


class Subnet(Record):
    """A block of addresses of a network, in one zone where the provider's subnets are zonal."""

    id: Name
    vpc: Name
    cidr: Cidr | None = None
    prefix: Annotated[int, Field(ge=8, le=29)] | None = None
    """For a subnet that is still to be cut: the prefix length; its block is chosen from the free space."""
    zone: Name | None = None
    """A zonal subnet without a zone is still to be created: the plan chooses its zone."""
    reserved: Count = 0
    """Addresses that nobody may use, beyond the provider's own."""
    used: Count = 0
    """Addresses used by things that are not instances of this estate."""
    route_table: Name | None = None

    @model_validator(mode="after")
    def _has_a_size(self) -> Self:
        if (self.cidr is None) == (self.prefix is None):
            raise ValueError("needs exactly one of cidr and prefix")
        if self.prefix is not None and self.zone is not None:
            raise ValueError("a subnet that has a zone exists: give its cidr, not a prefix")
        return self


class LoadBalancer(Record):
    """A load balancer and the groups behind it."""

    id: Name
    kind: Name
    """As the catalogue calls it (`clb`)."""
    region: Name | None = None
    account: Name | None = None
    zones: list[Name] = []
    """The zones it serves from; empty: the plan chooses `zone_count` of them."""
    zone_count: Annotated[int, Field(ge=1, le=16)] = 1
    internal: bool = False
    subnet: Name | None = None
    """An internal balancer's address is in this subnet."""
    backends: list[Name] = []
    """Groups that it sends traffic to."""
    least_per_zone: Count = 0
    """At least this many backends of every group in every zone it serves from."""
    least_backends: Count = 0
    """At least this many backends of every group to be of use, after a failure too."""


class Regional(Record):
    """Something that belongs to a region and an account."""

    id: Name
    region: Name | None = None
    zone: Name | None = None
    """Only where the provider makes it zonal."""
    account: Name | None = None


class ElasticIp(Regional):
    """A public address that can be bound to one instance after another."""

    bound_to: Name | None = None
    """The group it serves today, where that is not the one that lists it: a standby that took over."""


class Disk(Regional):
    """A volume apart from its instance."""

    size_gib: Count = 0


class Image(Record):
    """What instances start from."""

    id: Name
    regions: list[Name] = []
    """Where it is; empty: everywhere (a public image)."""
    account: Name | None = None
    copy_allowed: bool = False
    """The planner may ask for a copy to another region; the plan lists it."""


class Snapshot(Regional):
    """A copy of a disk or a database."""

    of: Name | None = None
    taken_at: Moment | None = None
    size_gib: Count = 0


class SecurityGroup(Regional):
    """A set of firewall rules."""


class RouteTable(Regional):
    """Routes of one network."""

    vpc: Name | None = None


class KeyPair(Regional):
    """A login key."""


class Account(Record):
    """Who owns things, and what the provider lets them use."""

    id: Name
    entitlements: list[Name] = []


class Peering(Record):
    """Two private networks that reach each other."""

    between: Annotated[list[Name], Field(min_length=2, max_length=2)]
    source: Source | None = None
