"""The estate: everything one planning run looks at, as a document."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import Field, field_validator

from zonewright.models.base import Moment, Name, Record, Text
from zonewright.models.catalogue import Catalogue
from zonewright.models.events import Incident
from zonewright.models.offers import Expected, Offer
from zonewright.models.quantities import RESOURCES
from zonewright.models.recipes import Migrating, Tolerated
from zonewright.models.resources import (
    Account,
    Disk,
    ElasticIp,
    Flavour,
    Group,
    Image,
    Instance,
    KeyPair,
    LoadBalancer,
    Peering,
    RouteTable,
    SecurityGroup,
    Service,
    Snapshot,
    Subnet,
    Traffic,
    Vpc,
)
from zonewright.models.rules import AnyRule
from zonewright.models.topology import Client, Domain, Latency, Link, TrafficPrice

Goal = Literal["placed", "urgent", "soft", "moves", "cost", "client_latency", "balance", "hosts"]

#: Soft rules of this priority and above are the goal `urgent` where an estate names that, else part of `soft`.
URGENT = 1000

#: The order of goals when an estate is silent.
DEFAULT_GOALS: tuple[Goal, ...] = ("placed", "soft", "moves", "cost")


class Estate(Record):
    """Topology, catalogues, resources, rules and the current placement, at one moment."""

    estate: Name
    """Its name."""
    format: Literal[1] = 1
    description: Text | None = None
    currency: Name = "USD"
    taken_at: Moment | None = None
    """When the current placement was read."""
    role: Literal["tenant", "operator"] = "tenant"
    catalogues: list[Name | Catalogue] = []
    """Names of shipped catalogues, or whole ones; later entries override earlier ones by identifier."""
    consider: list[Name] = []
    """Only these regions or zones (and what is in them); empty: all."""
    levels: list[Name] = ["region", "zone", "rack", "host"]
    """Levels from the top down; any may be absent from a branch."""
    resource_names: list[Name] = []
    """Resources beyond the built-in ones."""
    accounts: list[Account] = []
    regions: list[Domain] = []
    zones: list[Domain] = []
    racks: list[Domain] = []
    hosts: list[Domain] = []
    domains: list[Domain] = []
    """Domains of other levels, or any; each names its level."""
    latencies: list[Latency] = []
    links: list[Link] = []
    traffic_prices: list[TrafficPrice] = []
    clients: list[Client] = []
    flavours: list[Flavour] = []
    vpcs: list[Vpc] = []
    peerings: list[Peering] = []
    subnets: list[Subnet] = []
    load_balancers: list[LoadBalancer] = []
    elastic_ips: list[ElasticIp] = []
    disks: list[Disk] = []
    images: list[Image] = []
    snapshots: list[Snapshot] = []
    security_groups: list[SecurityGroup] = []
    route_tables: list[RouteTable] = []
    key_pairs: list[KeyPair] = []
    groups: list[Group] = []
    instances: list[Instance] = []
    services: list[Service] = []
    traffic: list[Traffic] = []
    rules: list[AnyRule] = []
    goals: Annotated[list[Goal], Field(min_length=1)] = list(DEFAULT_GOALS)
    """What is best, first things first."""
    migration: Migrating = Migrating()
    """How migrations run here."""
    incidents: dict[Name, Incident] = {}
    """What has happened to domains: it outranks their states, and whoever is there has to leave."""
    tolerated: list[Tolerated] = []
    """Rules that the current placement breaks, and by how much: they must not get worse."""
    offers: list[Offer] = []
    """What can be bought where the capacity is too small; only planning capacity looks at it."""
    forecast: list[Expected] = []
    """How demand is expected to grow, by day; only planning capacity looks at it."""

    @field_validator("goals")
    @classmethod
    def _goals_once(cls, goals: list[Goal]) -> list[Goal]:
        if len(set(goals)) != len(goals):
            raise ValueError("name one goal twice")
        if goals[0] != "placed":
            raise ValueError("must begin with placed")
        return goals

    @property
    def fingerprint(self) -> str:
        """Identify the content: equal estates have equal fingerprints, whatever file they came from."""
        text = self.model_dump_json(exclude_defaults=True, by_alias=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def known_resources(self) -> tuple[str, ...]:
        """Names that a demand or a capacity may use."""
        return (*RESOURCES, *self.resource_names)
