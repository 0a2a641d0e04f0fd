"""What a step of a migration does: the whole vocabulary, with the effect of each word, as data.

The planner writes plans in these words and the executor plays them. What both build on is data and its
meaning: this table, the recipes, how long steps take, what an event leaves. Neither uses a line of the other's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Operation(StrEnum):
    """One thing that an operator or a provider does."""

    LIVE_MIGRATE = "live_migrate"
    STOP = "stop"
    START = "start"
    """Start a stopped or dead instance at its target from volumes that are reachable there."""
    CREATE_IMAGE = "create_image"
    COPY_IMAGE = "copy_image"
    CREATE_INSTANCE = "create_instance"
    """Create the instance at its target from an image."""
    RESTORE_SYSTEM = "restore_system"
    """Create the instance at its target from the copy of its system disk."""
    DESTROY_ORIGINAL = "destroy_original"
    KEEP_ORIGINAL = "keep_original"
    """The paid original stays, stopped, until its term ends."""
    FENCE_ORIGINAL = "fence_original"
    """Keep the lost original from serving when its domain comes back."""
    DETACH_DISK = "detach_disk"
    ATTACH_DISK = "attach_disk"
    COPY_DISK = "copy_disk"
    """Copy a disk of a living source to the target's zone."""
    RESTORE_DISK = "restore_disk"
    """Make a data disk from its copy."""
    RETYPE_VOLUME = "retype_volume"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    DISSOCIATE_ADDRESS = "dissociate_address"
    ASSOCIATE_ADDRESS = "associate_address"
    UNBIND_BACKEND = "unbind_backend"
    BIND_BACKEND = "bind_backend"
    CHANGE_SUBNET = "change_subnet"
    """Put the originals into another subnet of their zone, so that theirs is empty."""
    DELETE_SUBNET = "delete_subnet"
    CREATE_SUBNET = "create_subnet"
    DELETE_BALANCER = "delete_balancer"
    CREATE_BALANCER = "create_balancer"
    SWITCH_BALANCER = "switch_balancer"
    """The provider's own switch of a balancer to another of its zones: waited for, not done."""
    UPDATE_CONFIGURATION = "update_configuration"
    """Tell names, firewalls and clients about what changed."""


When = Literal["start", "end"]


@dataclass(frozen=True)
class Effect:
    """What an operation does to its action's instances and to the room they take."""

    takes_target: When | None = None
    """When the room at the target (and its address in the subnet there) is taken."""
    frees_source: When | None = None
    """When the room at the source is free again."""
    stops: When | None = None
    """When the instances cease to run at the source."""
    runs: When | None = None
    """When they run at the target."""
    needs_source: bool = False
    """Only with a source that is alive, all the time of the step."""
    per: Literal["instance", "disk", "elastic_ip", "balancer", "image", "subnet"] = "instance"
    """What `thing` of the step names; a step per instance names nothing."""


#: The effect of every operation. What is not said here changes nothing but the thing that it names.
EFFECTS: dict[Operation, Effect] = {
    Operation.LIVE_MIGRATE: Effect(
        takes_target="start", frees_source="end", stops="end", runs="end", needs_source=True
    ),
    Operation.STOP: Effect(frees_source="end", stops="start", needs_source=True),
    Operation.START: Effect(takes_target="start", runs="end"),
    Operation.CREATE_IMAGE: Effect(needs_source=True),
    Operation.COPY_IMAGE: Effect(per="image"),
    Operation.CREATE_INSTANCE: Effect(takes_target="start", runs="end"),
    Operation.RESTORE_SYSTEM: Effect(takes_target="start", runs="end"),
    Operation.DESTROY_ORIGINAL: Effect(frees_source="end", stops="start", needs_source=True),
    Operation.KEEP_ORIGINAL: Effect(stops="start", needs_source=True),
    Operation.FENCE_ORIGINAL: Effect(),
    Operation.DETACH_DISK: Effect(per="disk", needs_source=True),
    Operation.ATTACH_DISK: Effect(per="disk"),
    Operation.COPY_DISK: Effect(per="disk", needs_source=True),
    Operation.RESTORE_DISK: Effect(per="disk"),
    Operation.RETYPE_VOLUME: Effect(per="disk"),
    Operation.SHELVE: Effect(frees_source="end", stops="start", needs_source=True),
    Operation.UNSHELVE: Effect(takes_target="start", runs="end"),
    Operation.DISSOCIATE_ADDRESS: Effect(per="elastic_ip"),
    Operation.ASSOCIATE_ADDRESS: Effect(per="elastic_ip"),
    Operation.UNBIND_BACKEND: Effect(per="balancer"),
    Operation.BIND_BACKEND: Effect(per="balancer"),
    Operation.CHANGE_SUBNET: Effect(per="subnet", needs_source=True),
    Operation.DELETE_SUBNET: Effect(per="subnet"),
    Operation.CREATE_SUBNET: Effect(per="subnet"),
    Operation.DELETE_BALANCER: Effect(per="balancer"),
    Operation.CREATE_BALANCER: Effect(per="balancer"),
    Operation.SWITCH_BALANCER: Effect(per="balancer"),
    Operation.UPDATE_CONFIGURATION: Effect(),
}
