"""Small estates and migrations for them, written down step by step."""

from __future__ import annotations

from typing import Any

from zonewright.models import World, estate_from_data
from zonewright.models.aftermath import aftermath
from zonewright.models.durations import least_seconds
from zonewright.models.estate import Estate
from zonewright.models.events import Event
from zonewright.models.executor import execute
from zonewright.models.migration import Action, Loss, Migration, Step
from zonewright.models.operations import EFFECTS
from zonewright.models.plan import Placement, Plan, Status

SOURCE = {"assumption": "made for tests"}


def _recipe(
    name: str, kind: str, steps: list[dict[str, Any]], across: str = "host", **more: Any
) -> dict[str, Any]:
    return {"id": name, "name": name, "kind": kind, "across": across, "steps": steps, "source": SOURCE, **more}


def _anew(do: str, **more: Any) -> list[dict[str, Any]]:
    """The steps that bring a service back in another zone, by an instance made in one way or another."""
    return [
        {"do": do, "seconds": 60, "serves": True, **more},
        {"do": "restore_disk", "only_with": "unreachable_disks", "seconds": 30, "copies": "disk", "serves": True},
        {"do": "attach_disk", "only_with": "disks", "seconds": 5, "serves": True},
        {"do": "associate_address", "only_with": "elastic_ip", "seconds": 5, "serves": True},
        {"do": "bind_backend", "only_with": "backends", "seconds": 5, "serves": True},
        {"do": "fence_original"},
    ]


RECIPES: list[dict[str, Any]] = [
    _recipe(
        "live",
        "move",
        [{"do": "live_migrate", "seconds": 10, "copies": "memory", "serves": True}],
        live=True,
        keeps=["identifier", "private_ip", "elastic_ip", "data"],
    ),
    _recipe(
        "stop-start",
        "move",
        [{"do": "stop", "seconds": 20, "interrupts": True}, {"do": "start", "seconds": 30, "serves": True}],
        keeps=["identifier", "private_ip", "elastic_ip", "data"],
    ),
    _recipe(
        "restart",
        "recovery",
        [{"do": "fence_original", "seconds": 5}, {"do": "start", "seconds": 30, "serves": True}],
        keeps=["identifier", "private_ip", "data"],
    ),
    _recipe(
        "replace",
        "move",
        [
            {"do": "create_image", "seconds": 40, "copies": "disk"},
            {"do": "create_instance", "seconds": 60, "serves": True},
            {"do": "detach_disk", "only_with": "reachable_disks", "seconds": 5, "interrupts": True},
            {
                "do": "copy_disk",
                "only_with": "unreachable_disks",
                "seconds": 5,
                "copies": "disk",
                "interrupts": True,
            },
            {"do": "attach_disk", "only_with": "disks", "seconds": 5, "serves": True},
            {"do": "dissociate_address", "only_with": "elastic_ip", "seconds": 5, "interrupts": True},
            {"do": "associate_address", "only_with": "elastic_ip", "seconds": 5, "serves": True},
            {"do": "bind_backend", "only_with": "backends", "seconds": 5, "serves": True},
            {"do": "unbind_backend", "only_with": "backends", "seconds": 5},
            {"do": "destroy_original", "only_with": "pay_as_you_go", "seconds": 10},
            {"do": "keep_original", "only_with": "prepaid"},
        ],
        across="zone",
        keeps=["elastic_ip", "data"],
    ),
    _recipe(
        "carry",
        "move",
        [
            {"do": "create_image", "seconds": 40, "interrupts": True},
            {"do": "change_subnet", "only_with": "prepaid", "seconds": 5},
            {"do": "keep_original", "only_with": "prepaid"},
            {"do": "destroy_original", "only_with": "pay_as_you_go", "seconds": 10},
            {"do": "create_instance", "seconds": 60, "serves": True},
        ],
        across="zone",
        preference=200,
        keeps=["private_ip", "data"],
    ),
    _recipe(
        "shelving",
        "move",
        [
            {"do": "shelve", "seconds": 30, "interrupts": True},
            {"do": "retype_volume", "only_with": "disks", "seconds": 30},
            {"do": "unshelve", "seconds": 30, "serves": True},
        ],
        across="zone",
        preference=150,
        keeps=["identifier", "private_ip", "data"],
    ),
    _recipe(
        "carry-region",
        "move",
        [
            {"do": "create_image", "seconds": 40},
            {"do": "copy_image", "seconds": 30},
            {"do": "create_instance", "seconds": 60, "serves": True},
            {"do": "destroy_original", "seconds": 10},
        ],
        across="region",
        keeps=["data"],
    ),
    _recipe("anew", "recovery", _anew("create_instance"), across="zone", stateful=False),
    _recipe(
        "restore",
        "recovery",
        _anew("restore_system", copies="disk"),
        across="zone",
        stateful=True,
        data_loss="age_of_copy",
    ),
    _recipe(
        "anew-region",
        "recovery",
        [
            {"do": "copy_image", "only_with": "image_missing", "seconds": 30},
            {"do": "create_instance", "seconds": 60, "serves": True},
        ],
        across="region",
        stateful=False,
    ),
    _recipe(
        "takeover",
        "takeover",
        [
            {"do": "dissociate_address", "only_with": "elastic_ip", "seconds": 5},
            {"do": "associate_address", "only_with": "elastic_ip", "seconds": 5, "serves": True},
        ],
    ),
    _recipe("start", "start", [{"do": "create_instance", "seconds": 60, "serves": True}]),
    _recipe(
        "carry-cidr", "resource", [{"do": "delete_subnet", "seconds": 5}, {"do": "create_subnet", "seconds": 5}]
    ),
    _recipe("new-subnet", "resource", [{"do": "create_subnet", "seconds": 5}]),
    _recipe("copy-image", "resource", [{"do": "copy_image", "seconds": 30}]),
    _recipe(
        "renew-balancer",
        "resource",
        [{"do": "delete_balancer", "seconds": 5}, {"do": "create_balancer", "seconds": 5}],
    ),
    _recipe("new-balancer", "resource", [{"do": "create_balancer", "seconds": 5}]),
    _recipe("switch-balancer", "resource", [{"do": "switch_balancer", "seconds": 60}]),
    _recipe("update", "resource", [{"do": "update_configuration", "seconds": 5}]),
]


def estate(**data: Any) -> Estate:
    """Return an estate with the tests' recipes; `migration` adds to its settings."""
    settings = {"recipes": RECIPES, **data.pop("migration", {})}
    whole = {"estate": "test", "taken_at": "2026-03-01T00:00:00Z", **data, "migration": settings}
    return estate_from_data(whole)


def hosts(**data: Any) -> Estate:
    """Four hosts of 8 cores in two zones; `web` of two on h1 and h2, `db` of one on h1."""
    base: dict[str, Any] = {
        "role": "operator",
        "zones": [{"id": "z1"}, {"id": "z2"}],
        "hosts": [
            {"id": name, "in": zone, "capacity": {"cpu_milli": 8000}}
            for name, zone in (("h1", "z1"), ("h2", "z1"), ("h3", "z1"), ("h4", "z2"))
        ],
        "groups": [
            {
                "id": "web",
                "count": 2,
                "demand": {"cpu_milli": 4000, "memory_mib": 1000},
                "current": {"h1": 1, "h2": 1},
            },
            {"id": "db", "count": 1, "demand": {"cpu_milli": 4000, "memory_mib": 2000}, "current": {"h1": 1}},
        ],
    }
    return estate(**(base | data))


class Script:
    """Writes a migration down: actions by recipe, steps one after another from a second on."""

    def __init__(self, of: Estate, **event: Any) -> None:
        self.estate, self.world = of, World(of)
        self.event = Event(**(event or {"mend": True}))
        self.recipes = {r.id: r for r in of.migration.recipes}
        self.actions: list[Action] = []
        self.steps: list[Step] = []
        self.losses: list[Loss] = []
        self.extra: dict[str, Any] = {}
        self.seated: dict[str, str] = {}
        """Group to the subnet that those who stay sit in."""

    def act(self, name: str, kind: str, recipe: str | None, *, at: int = 0, **fields: Any) -> int:
        """Append an action; return the second at which its last step ends.

        `things` gives the names for operations on things, `rate` the rate of copies, `where` the domain of
        steps on subnets, balancers and images, `cidr` the block of a new subnet, `after` what its first step
        needs.
        """
        things: dict[str, list[str]] = fields.pop("things", {})
        rate, where, cidr = fields.pop("rate", 100), fields.pop("where", None), fields.pop("cidr", None)
        after: list[str] = fields.pop("after", [])
        action = Action(id=name, kind=kind, recipe=recipe, **fields)
        self.actions.append(action)
        if recipe is None:
            return at
        unit = None
        if action.group is not None:
            wanted = action.instances[0] if action.instances else None
            unit = next(u for u in self.world.units_of[action.group] if u.name == wanted)
        before, now = list(after), at
        for step in self.recipes[recipe].steps:
            names: list[str | None] = [*things.get(step.do.value, [])]
            if not names:
                if step.only_with is not None and step.do.value not in things:
                    if step.only_with == "pay_as_you_go" and unit is not None and unit.prepaid:
                        continue
                    if step.only_with == "prepaid" and (unit is None or not unit.prepaid):
                        continue
                    if step.only_with not in ("pay_as_you_go", "prepaid"):
                        continue
                names = [None]
            made: list[str] = []
            longest = 0
            for thing in names:
                seconds = step.seconds
                if unit is not None:
                    lanes = self._lanes(action)
                    seconds = least_seconds(self.world, step, unit, action.count, lanes, rate, thing)
                tag = f"{name}.{step.do.value}" + (f".{thing}" if thing else "")
                per_thing = EFFECTS[step.do].per in ("image", "subnet", "balancer") and kind == "resource"
                placed = where if per_thing or step.do.value == "copy_image" else None
                self.steps.append(
                    Step(
                        id=tag,
                        action=name,
                        do=step.do,
                        thing=thing,
                        at=placed,
                        cidr=cidr if step.do.value == "create_subnet" else None,
                        start_s=now,
                        end_s=now + seconds,
                        needs=before,
                        mib_per_second=rate if step.copies else None,
                        interrupts=step.interrupts,
                        serves=step.serves,
                    )
                )
                made.append(tag)
                longest = max(longest, seconds)
            before, now = made, now + longest
        return now

    def _lanes(self, action: Action) -> int | None:
        settings, tree = self.estate.migration, self.world.tree
        limits = [] if settings.most_at_once is None else [settings.most_at_once]
        for site in (action.source, action.target):
            if site is not None and not (site == action.source and action.kind == "recovery"):
                for node in tree.nodes[tree.by_id[site]].ancestors:
                    if tree.nodes[node].level in settings.most_at_once_per:
                        limits.append(settings.most_at_once_per[tree.nodes[node].level])
        return min(limits, default=None)

    def edit(self, step: str, **fields: Any) -> None:
        """Change fields of a step."""
        self.steps = [s.model_copy(update=fields) if s.id == step else s for s in self.steps]

    def drop(self, step: str) -> None:
        """Leave a step out, and whoever needs it needs what it needed."""
        gone = next(s for s in self.steps if s.id == step)
        self.steps = [
            s.model_copy(update={"needs": [n for n in s.needs if n != step] + gone.needs})
            if step in s.needs
            else s
            for s in self.steps
            if s.id != step
        ]

    def placements(self) -> list[Placement]:
        """Return where everybody is once all actions are done."""
        seats: dict[tuple[str, str, str | None, str | None], int] = {}
        nodes = self.world.tree.nodes
        dead = {nodes[s].id for s in aftermath(self.world, self.event).dead}
        for unit in self.world.units:
            for site, count in unit.current.items():
                if nodes[site].id not in dead:
                    subnet = unit.current_subnet or self.seated.get(unit.group)
                    seats[unit.group, nodes[site].id, subnet, unit.name] = count
        for action in self.actions:
            if action.group is None or action.kind in ("takeover",):
                continue
            for name in action.instances or [None]:  # type: ignore[list-item]
                count = 1 if name else action.count
                for key in list(seats):
                    if key[0] == action.group and key[1] == action.source and key[3] == name and count:
                        share = min(count, seats[key])
                        seats[key] -= share
                        count -= share
                if action.target is not None:
                    key = (action.group, action.target, action.subnet, name)
                    seats[key] = seats.get(key, 0) + (1 if name else action.count)
        return [
            Placement(group=g, site=s, count=n, subnet=subnet, instances=[name] if name else [])
            for (g, s, subnet, name), n in seats.items()
            if n
        ]

    def migration(self, *, target: dict[str, Any] | None = None, **fields: Any) -> Migration:
        """Return the document with true figures: those that the executor finds."""
        after = aftermath(self.world, self.event)
        plan = Plan(
            plan=self.estate.estate,
            estate_fingerprint=after.estate.fingerprint,
            status=Status.FEASIBLE,
            **({"placements": self.placements()} | (target or {})),
        )
        plain = Migration(
            migration=self.estate.estate,
            estate_fingerprint=self.estate.fingerprint,
            event=self.event,
            status=Status.FEASIBLE,
            order_status=Status.FEASIBLE,
            losses=[*after.losses, *self.losses],
            actions=self.actions,
            steps=self.steps,
            target=plan,
            **fields,
        )
        return truthful(self.world, plain)


def truthful(world: World, plain: Migration) -> Migration:
    """Return a migration whose figures are those that the executor finds."""
    found = execute(world, plain).figures
    actions = [
        a.model_copy(
            update={
                "downtime_s": found.downtime_s.get(a.id, 0),
                "data_loss_minutes": found.data_loss_minutes.get(a.id, a.data_loss_minutes),
            }
        )
        for a in plain.actions
    ]
    update = {
        "actions": actions,
        "moves": found.moves,
        "bypasses": found.bypasses,
        "recoveries": found.recoveries,
        "takeovers": found.takeovers,
    }
    return plain.model_copy(update=update)


def faults(script: Script, migration: Migration | None = None) -> list[str]:
    """Return the kinds of the faults that the executor finds, in order, and its claims."""
    execution = execute(script.world, migration or script.migration())
    return [*(breach.fault.value for breach in execution.violations), *execution.claims]


__all__ = ["RECIPES", "Script", "estate", "faults", "hosts", "truthful"]
