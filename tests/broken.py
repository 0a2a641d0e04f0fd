"""Small estates and plans written by hand, and what a check says of them."""

from __future__ import annotations

from typing import Any

from zonewright.models import Plan, World, check_plan, estate_from_data

Raw = dict[str, Any]
#: (kind of rule, group, domain, amount)
Finding = tuple[str, str | None, str | None, int]

SOURCE: Raw = {"assumption": "made up for a test"}


def estate(*rules: Raw, regions: int = 1, hosts: int = 0, **fields: Any) -> Raw:
    """Zones a1, a2 in region a (and b1, b2 in region b, ...); hosts a1-h1, ... where asked; no groups yet."""
    names = "abc"[:regions]
    data: Raw = {
        "estate": "by-hand",
        "regions": [{"id": r} for r in names],
        "zones": [{"id": f"{r}{n}", "in": r} for r in names for n in (1, 2)],
        "rules": list(rules),
        **fields,
    }
    if hosts:
        data["hosts"] = [{"id": f"{z['id']}-h{n + 1}", "in": z["id"]} for z in data["zones"] for n in range(hosts)]
    return data


def zone(data: Raw, name: str) -> Raw:
    """A zone's entry, to be changed."""
    return next(z for z in (*data["zones"], *data["regions"], *data.get("hosts", [])) if z["id"] == name)


def group(name: str, count: int, **fields: Any) -> Raw:
    """A group of one-core instances."""
    entry: Raw = {"id": name, "count": count, **fields}
    if "flavour" not in fields and "demand" not in fields:
        entry["demand"] = {"cpu_milli": 1000}
    return entry


def at(name: str, site: str, count: int = 1, subnet: str | None = None, *members: str) -> Raw:
    """A plan's entry."""
    return {"group": name, "site": site, "count": count, "subnet": subnet, "instances": list(members)}


def findings(data: Raw, placements: list[Raw], **plan: Any) -> list[Finding]:
    """Check a plan and return everything that it breaks; its own claims have to be true."""
    document = {
        "plan": "by-hand", "estate_fingerprint": "", "status": "FEASIBLE", "placements": placements, **plan
    }  # fmt: skip
    report = check_plan(World(estate_from_data(data)), Plan.model_validate(document))
    assert not report.claims
    return [(v.rule, v.group, v.domain, v.amount) for v in report.violations]


def catalogue(**fields: Any) -> Raw:
    """A catalogue of two products, `vm` and `metal`."""
    products = [
        {"id": "vm", "kind": "vm", "source": SOURCE},
        {"id": "metal", "kind": "bare_metal", "source": SOURCE},
    ]
    return {"catalogue": "made-up", "provider": "made-up", "products": products, **fields}


def scope(kind: str, reach: str) -> Raw:
    """A catalogue that says how far one kind of resource reaches."""
    return catalogue(resource_kinds=[{"kind": kind, "scope": reach, "source": SOURCE}])
