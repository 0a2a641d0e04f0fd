"""Whether actions are what their recipes say: one that fits, its steps complete, in order, and long enough."""

from __future__ import annotations

from zonewright.models.catalogue import Scope
from zonewright.models.durations import least_seconds, size_mib
from zonewright.models.executor.breach import Breach, Fault, Findings
from zonewright.models.executor.cast import Act, Deed
from zonewright.models.executor.things import Things
from zonewright.models.operations import EFFECTS, Operation
from zonewright.models.problems import InputError
from zonewright.models.procedures import recipes_of
from zonewright.models.recipes import Recipe, RecipeStep
from zonewright.models.rules.balancer import home_region
from zonewright.models.world import Unit, World

#: Of what kind the recipe of an action has to be.
_KINDS = {
    "move": "move",
    "bypass": "move",
    "recovery": "recovery",
    "takeover": "takeover",
    "start": "start",
    "resource": "resource",
}
#: Steps that are taken where they are needed: others may have done them already.
_OPTIONAL = frozenset({Operation.COPY_IMAGE, Operation.CHANGE_SUBNET})


class Conformity:
    """Judges actions against recipes, and assigns each step the step of its recipe."""

    def __init__(self, world: World, things: Things, findings: Findings) -> None:
        self.world, self.things, self.findings = world, things, findings
        self.recipes = recipes_of(world)

    def judge(self, act: Act) -> None:
        """Judge one action."""
        recipe = act.recipe
        if recipe is None:
            self._without_recipe(act)
            return
        reason = self._misfit(act, recipe)
        if reason is not None:
            self._fault(Fault.RECIPE, act, f"recipe {recipe.id} {reason}")
        self._steps(act, recipe)
        self._order(act)
        for deed in act.deeds:
            if deed.of_recipe is not None:
                self._step(deed, deed.of_recipe)

    def _without_recipe(self, act: Act) -> None:
        if act.action.kind != "resource":
            self._fault(Fault.RECIPE, act, f"{act.action.id} names no recipe")
        elif any(deed.effect.takes_target or deed.effect.runs for deed in act.deeds):
            self._fault(Fault.RECIPE, act, f"{act.action.id} starts instances without a recipe")

    # Whether the recipe fits.

    def _misfit(self, act: Act, recipe: Recipe) -> str | None:
        kind = _KINDS[act.action.kind]
        if recipe.kind != kind:
            return f"is for a {recipe.kind}, not for a {act.action.kind}"
        if recipe.role not in (None, self.world.estate.role):
            return f"is for the role {recipe.role}"
        if kind in ("move", "recovery") and act.source is not None and act.target is not None:
            across = self._across(act.source, act.target)
            if across != recipe.across:
                return f"goes to another {recipe.across}, this is another {across}"
        for unit, _ in act.parts:
            reason = self._unfit(unit, recipe)
            if reason is not None:
                return reason
        return None

    def _unfit(self, unit: Unit, recipe: Recipe) -> str | None:
        if recipe.products and unit.product not in recipe.products:
            return f"is not for {unit.product}"
        if recipe.fallback and self._has_own(unit.product, recipe):
            return f"is only for products without recipes of their own, unlike {unit.product}"
        if recipe.kind_of_instance not in (None, unit.kind.value):
            return f"is for {recipe.kind_of_instance}"
        if recipe.stateful is not None and recipe.stateful != unit.stateful:
            return "is for instances with data" if recipe.stateful else "is for instances without data"
        if recipe.live and (unit.movability.local_disk or unit.movability.passthrough):
            return f"moves what runs, and {unit.name or unit.group} cannot move while it does"
        return None

    def _has_own(self, product: str, recipe: Recipe) -> bool:
        return any(
            other.kind == recipe.kind
            and other.across == recipe.across
            and not other.fallback
            and product in other.products
            and other.role in (None, self.world.estate.role)
            for other in self.recipes.values()
            if recipe.kind != "resource"
        )

    def _across(self, source: int, target: int) -> str:
        tree = self.world.tree
        if tree.at_level(source, "region") != tree.at_level(target, "region"):
            return "region"
        return "host" if self.world.zone_of(source) == self.world.zone_of(target) else "zone"

    # Whether the steps are its steps.

    def _steps(self, act: Act, recipe: Recipe) -> None:
        wanted = [(level, step, self._things(act, step)) for level, step in enumerate(recipe.steps)]
        open_things = {level: list(things) for level, _, things in wanted}
        for deed in act.deeds:
            for level, step, _ in wanted:
                if step.do is deed.step.do and self._strike(open_things[level], deed.step.thing):
                    deed.of_recipe, deed.level = step, level
                    break
            else:
                what = f"{deed.step.do.value} {deed.step.thing or ''}".strip()
                self._fault(Fault.RECIPE, act, f"{what} is no step of {recipe.id} here", deed)
        for level, step, _ in wanted:
            if step.do in _OPTIONAL:
                continue
            for thing in open_things[level]:
                what = f"{step.do.value} {thing or ''}".strip()
                self._fault(Fault.RECIPE, act, f"{act.action.id} lacks the step {what} of {recipe.id}")

    @staticmethod
    def _strike(things: list[str | None], thing: str | None) -> bool:
        """Take a thing off a list; None on it stands for any."""
        for candidate in (thing, None):
            if candidate in things:
                things.remove(candidate)
                return True
        return False

    def _things(self, act: Act, step: RecipeStep) -> list[str | None]:
        """Return what a step is to be taken for: things, None once for the instance or any thing."""
        if step.only_with is None or act.action.kind == "resource":
            return (
                self._many(act) if act.action.kind == "resource" and EFFECTS[step.do].per != "instance" else [None]
            )
        named = self._named(act, step)
        if named is not None:
            unique: list[str | None] = list(dict.fromkeys(named))
            if EFFECTS[step.do].per == "instance":
                return [None] if unique else []
            return unique if step.do is not Operation.COPY_IMAGE or not unique else [None]
        return [None] if any(self._holds(act, step, unit) for unit, _ in act.parts) else []

    def _many(self, act: Act) -> list[str | None]:
        """Return room for as many things as the document takes a resource's step for, once at least."""
        per_operation: dict[Operation, int] = {}
        for deed in act.deeds:
            per_operation[deed.step.do] = per_operation.get(deed.step.do, 0) + 1
        return [None] * max([1, *per_operation.values()])

    def _named(self, act: Act, step: RecipeStep) -> list[str] | None:
        """Return the things that a step's condition is about; None where it is about the instance."""
        names: list[str] = []
        for unit, _ in act.parts:
            match step.only_with:
                case "elastic_ip":
                    names += [a for a in unit.elastic_ips if self._usable(act, unit, a)]
                case "disks":
                    names += unit.disks
                case "reachable_disks":
                    names += [d for d in unit.disks if self._reachable(act, unit, d)]
                case "unreachable_disks":
                    names += [d for d in unit.disks if not self._reachable(act, unit, d)]
                case "backends":
                    names += self._backends(act, unit, step)
                case "image_missing":
                    if unit.image is not None and self._lacks_image(act, unit, unit.image):
                        names.append(unit.image)
                case _:
                    return None
        return names

    def _reachable(self, act: Act, unit: Unit, name: str) -> bool:
        if act.target is None:
            return False
        return self.things.reaches(unit, "disk", self.world.attachables["disk"][name], act.target, act.source)

    def _usable(self, act: Act, unit: Unit, name: str) -> bool:
        address = self.world.attachables["elastic_ip"][name]
        return act.target is not None and self.things.reaches(unit, "elastic_ip", address, act.target, act.source)

    def _backends(self, act: Act, unit: Unit, step: RecipeStep) -> list[str]:
        site = act.source if step.do is Operation.UNBIND_BACKEND else act.target
        if site is None:
            return []
        region = self.world.tree.nodes[self.world.region_of(site)].id
        return [
            balancer.id
            for balancer in self.world.balancers.values()
            if unit.group in balancer.backends and home_region(self.world, balancer) in (None, region)
        ]

    def _lacks_image(self, act: Act, unit: Unit, name: str) -> bool:
        regions = self.world.images[name].regions
        if not regions or act.target is None or self.world.scope(unit.product, "image") is Scope.GLOBAL:
            return False
        region = self.world.tree.at_level(act.target, "region")
        return region is not None and self.world.tree.nodes[region].id not in regions

    def _holds(self, act: Act, step: RecipeStep, unit: Unit) -> bool:
        match step.only_with:
            case "no_elastic_ip":
                return not unit.elastic_ips
            case "local_disk":
                return unit.movability.local_disk
            case "prepaid":
                return unit.prepaid
            case "pay_as_you_go":
                return not unit.prepaid
            case _:
                return act.recipe is not None and "private_ip" not in act.recipe.keeps

    # Whether they are in order, and long enough.

    def _order(self, act: Act) -> None:
        """Each step starts after all those of the levels before, and needs one of the last level before it."""
        by_level: dict[int, list[Deed]] = {}
        for deed in act.deeds:
            if deed.of_recipe is not None:
                by_level.setdefault(deed.level, []).append(deed)
        before: list[Deed] = []
        over = 0
        for level in sorted(by_level):
            deeds = by_level[level]
            for deed in deeds:
                if deed.start < over:
                    message = f"{deed.step.id} starts before the steps that come before it are over"
                    self._fault(Fault.RECIPE, act, message, deed, over - deed.start)
                if before and not any(need in before for need in deed.needs):
                    message = f"{deed.step.id} does not need {before[-1].step.id}, which comes before it"
                    self._fault(Fault.DEPENDENCY, act, message, deed)
            over = max([over, *(deed.end for deed in deeds)])
            before = deeds

    def _step(self, deed: Deed, of_recipe: RecipeStep) -> None:
        step, act = deed.step, deed.act
        if (step.interrupts, step.serves) != (of_recipe.interrupts, of_recipe.serves):
            self._fault(
                Fault.RECIPE, act, f"{step.id} says otherwise than its recipe when the service is away", deed
            )
        if step.end_s < step.start_s:
            return
        least = 0 if act.parts else of_recipe.seconds
        try:
            for unit, count in act.parts:
                least = max(least, self._least(deed, of_recipe, unit, count))
        except InputError as error:
            self._fault(Fault.DURATION, act, error.what, deed)
            return
        taken = step.end_s - step.start_s
        if taken < least:
            short = f" at {step.mib_per_second} MiB/s" if step.mib_per_second is not None else ""
            message = f"{step.id} takes {taken} s, at least {least} s are needed{short}"
            self._fault(Fault.DURATION, act, message, deed, least - taken)

    def _least(self, deed: Deed, of_recipe: RecipeStep, unit: Unit, count: int) -> int:
        act, rate = deed.act, deed.step.mib_per_second
        most = self.world.estate.migration.mib_per_second
        total = count if len(act.parts) == 1 else act.action.count
        if of_recipe.copies is None:
            return least_seconds(self.world, of_recipe, unit, total, act.lanes, 1)
        known = of_recipe.do is Operation.LIVE_MIGRATE and unit.movability.migrate_seconds is not None
        if rate is None:
            if not known and size_mib(self.world, of_recipe, unit, deed.step.thing):
                raise InputError(f"{deed.step.id} copies and does not say at which rate")
            rate = most
        elif rate > most:
            raise InputError(f"{deed.step.id} copies at {rate} MiB/s, {most} is the most there is")
        return least_seconds(self.world, of_recipe, unit, total, act.lanes, rate, deed.step.thing)

    def _fault(self, fault: Fault, act: Act, message: str, deed: Deed | None = None, amount: int = 1) -> None:
        self.findings.add(
            Breach(
                fault,
                message,
                step=deed.step.id if deed is not None else None,
                action=act.action.id,
                group=act.action.group,
                second=deed.start if deed is not None else None,
                amount=amount,
            )
        )
