"""What each operation is in words: its name, and what to do, check and take back where a recipe is silent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zonewright.models.migration import Action, Step
from zonewright.models.operations import Operation
from zonewright.models.recipes import Recipe, RecipeStep


@dataclass(frozen=True)
class Doing:
    """One operation in words. Texts may use {instance} {source} {target} {thing} {count}, as recipes do."""

    name: str
    do: str
    check: str
    undo: str


DOINGS: dict[Operation, Doing] = {
    Operation.LIVE_MIGRATE: Doing(
        "Migrate live",
        "Migrate {instance} live from {source} to {target}.",
        "{instance} runs on {target} and answers.",
        "Abort the migration: {instance} goes on running on {source}.",
    ),
    Operation.STOP: Doing(
        "Stop", "Stop {instance} on {source}.", "{instance} is stopped.", "Start {instance} on {source} again."
    ),
    Operation.START: Doing(
        "Start",
        "Start {instance} on {target} from its volumes.",
        "{instance} runs on {target} and answers.",
        "Stop {instance} on {target}. If {source} lives, start it there again.",
    ),
    Operation.CREATE_IMAGE: Doing(
        "Make an image",
        "Make an image of {instance}.",
        "The image is listed as ready.",
        "Delete the image. {instance} runs on as before.",
    ),
    Operation.COPY_IMAGE: Doing(
        "Copy the image",
        "Copy image {thing} to the region of {target}.",
        "The image is listed there as ready.",
        "Delete the copy.",
    ),
    Operation.CREATE_INSTANCE: Doing(
        "Create the instance",
        "Create {instance} in {target} from the image.",
        "{instance} runs in {target} and answers.",
        "Delete the new instance. The original is untouched.",
    ),
    Operation.RESTORE_SYSTEM: Doing(
        "Restore from the copy",
        "Create {instance} in {target} from the copy of its system disk.",
        "{instance} runs in {target}, with the data of the copy.",
        "Delete the new instance. The copy is untouched.",
    ),
    Operation.DESTROY_ORIGINAL: Doing(
        "Destroy the original",
        "Make sure that {instance} serves from {target}. Then destroy the original in {source}.",
        "The original is gone from the list of {source}.",
        "There is no way back from here: check before you do it.",
    ),
    Operation.KEEP_ORIGINAL: Doing(
        "Keep the original, stopped",
        "Stop the original of {instance} in {source}. Do not release it: it is paid for.",
        "The original is stopped, and out of every balancer.",
        "Start the original again.",
    ),
    Operation.FENCE_ORIGINAL: Doing(
        "Fence the original",
        "When {source} is back, keep {instance} stopped there, or stop it at once.",
        "{instance} is stopped in {source}, and bound to nothing there.",
        "None needed: the copy in {target} serves.",
    ),
    Operation.DETACH_DISK: Doing(
        "Detach the disk",
        "Detach disk {thing} from {instance}.",
        "Disk {thing} is listed as free.",
        "Attach disk {thing} to the original again.",
    ),
    Operation.ATTACH_DISK: Doing(
        "Attach the disk",
        "Attach disk {thing} to {instance} in {target}.",
        "{instance} sees disk {thing}, and its file system is whole.",
        "Detach disk {thing}, and attach it where it was.",
    ),
    Operation.COPY_DISK: Doing(
        "Copy the disk",
        "Copy disk {thing} to {target}.",
        "The copy of {thing} is listed in {target} as ready.",
        "Delete the copy of {thing}.",
    ),
    Operation.RESTORE_DISK: Doing(
        "Restore the disk",
        "Make disk {thing} in {target} from its latest copy.",
        "The disk is listed in {target} as ready.",
        "Delete the new disk. The copy is untouched.",
    ),
    Operation.RETYPE_VOLUME: Doing(
        "Retype the volume",
        "Change the type of volume {thing} to one of {target}.",
        "Volume {thing} is listed with the new type and is free.",
        "Change the type of volume {thing} back to the one of {source}.",
    ),
    Operation.SHELVE: Doing(
        "Shelve",
        "Shelve {instance}: it stops and leaves {source}.",
        "{instance} is listed as shelved.",
        "Unshelve {instance} in {source}.",
    ),
    Operation.UNSHELVE: Doing(
        "Unshelve",
        "Unshelve {instance} in {target}.",
        "{instance} runs in {target} and answers.",
        "Shelve {instance} again.",
    ),
    Operation.DISSOCIATE_ADDRESS: Doing(
        "Take off the elastic IP",
        "Dissociate elastic IP {thing}.",
        "Elastic IP {thing} is listed as free.",
        "Associate elastic IP {thing} with the original again.",
    ),
    Operation.ASSOCIATE_ADDRESS: Doing(
        "Put on the elastic IP",
        "Associate elastic IP {thing} with {instance} in {target}.",
        "The service answers at the address of {thing}.",
        "Dissociate elastic IP {thing}, and associate it where it was.",
    ),
    Operation.UNBIND_BACKEND: Doing(
        "Unbind from the balancer",
        "Unbind {instance} in {source} from balancer {thing}.",
        "Balancer {thing} sends it no more requests.",
        "Bind it to balancer {thing} again.",
    ),
    Operation.BIND_BACKEND: Doing(
        "Bind to the balancer",
        "Bind {instance} in {target} to balancer {thing}.",
        "Balancer {thing} lists it as healthy.",
        "Unbind it from balancer {thing}.",
    ),
    Operation.CHANGE_SUBNET: Doing(
        "Change the subnet",
        "Put what must stay in {source} into another subnet there, so that {thing} gets empty.",
        "Nothing of it is left in {thing}.",
        "Put it back into {thing}.",
    ),
    Operation.DELETE_SUBNET: Doing(
        "Delete the subnet",
        "Make sure that subnet {thing} is empty. Then delete it.",
        "Subnet {thing} is gone from the list.",
        "Create subnet {thing} in its old zone with its old block.",
    ),
    Operation.CREATE_SUBNET: Doing(
        "Create the subnet",
        "Create subnet {thing}.",
        "Subnet {thing} is listed with the right zone and block.",
        "Delete subnet {thing} while it is empty.",
    ),
    Operation.DELETE_BALANCER: Doing(
        "Delete the balancer",
        "Delete balancer {thing}.",
        "Balancer {thing} is gone from the list.",
        "Create balancer {thing} anew, with the same backends.",
    ),
    Operation.CREATE_BALANCER: Doing(
        "Create the balancer",
        "Create balancer {thing}.",
        "Balancer {thing} has an address and listens.",
        "Delete the new balancer.",
    ),
    Operation.SWITCH_BALANCER: Doing(
        "Wait for the balancer's switch",
        "The provider switches balancer {thing} to its other zone by itself. Wait, and watch.",
        "Balancer {thing} answers from its other zone.",
        "Call the provider if it has not switched in time.",
    ),
    Operation.UPDATE_CONFIGURATION: Doing(
        "Update names, firewalls and clients",
        "Enter the changes listed under Changes for {instance}.",
        "The names resolve to the new addresses, and the firewalls let clients through.",
        "Enter the values from before.",
    ),
}


@dataclass(frozen=True)
class Words:
    """What a person does for one step: filled in for one action, or with {names} where it is for several."""

    name: str
    do: str
    command: str | None
    check: str
    undo: str

    def about(self, thing: str | None) -> Words:
        """Return the words for one thing of several."""
        if thing is None:
            return self

        def filled(text: str) -> str:
            return text.replace("{thing}", thing)

        return Words(
            name=f"{self.name} {thing}",
            do=filled(self.do),
            command=None if self.command is None else filled(self.command),
            check=filled(self.check),
            undo=filled(self.undo),
        )


def written_out(action: Action, step: Step) -> Words:
    """Return the words of a step; those of its operation where the step has none."""
    usual = DOINGS[step.do]
    names = {
        "instance": _who(action),
        "source": action.source or step.at or "where it was",
        "target": action.target or step.at or action.source or "its place",
        "thing": step.thing or "of it",
        "count": str(action.count),
    }

    def filled(text: str) -> str:
        for name, value in names.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    do = step.console or filled(usual.do)
    if step.cidr is not None and step.cidr not in f"{do} {step.command or ''}":
        do += f" Block: {step.cidr}."
    return Words(
        name=usual.name + (f" {step.thing}" if step.thing else ""),
        do=do,
        command=step.command,
        check=step.check or filled(usual.check),
        undo=step.undo or filled(usual.undo),
    )


def for_each(recipe: Recipe | None, doings: Sequence[Operation]) -> list[Words]:
    """Return the words of a recipe's steps for several actions, with {names} left in: one entry for each doing."""
    entries = list(recipe.steps) if recipe is not None else []
    found: list[Words] = []
    for do in doings:
        usual = DOINGS[do]
        step: RecipeStep | None = next((entry for entry in entries if entry.do is do), None)
        if step is not None:
            del entries[: entries.index(step) + 1]
        found.append(
            Words(
                name=usual.name,
                do=(step and step.console) or usual.do,
                command=step.command if step else None,
                check=(step and step.check) or usual.check,
                undo=(step and step.undo) or usual.undo,
            )
        )
    return found


def _who(action: Action) -> str:
    if action.group is None:
        return "it"
    if len(action.instances) == action.count:
        return ", ".join(action.instances)
    return f"each of {action.count:,} instances of {action.group}" if action.count > 1 else action.group
