"""Free address blocks of a network. No solver decision: aligned blocks in decreasing size fit if any do."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Block = ipaddress.IPv4Network


def free_space(cidr: str, taken: Iterable[Block]) -> list[Block]:
    """Return what is left of a network as the largest aligned blocks, in order of address."""
    free = [ipaddress.IPv4Network(cidr)]
    for used in taken:
        rest: list[Block] = []
        for block in free:
            if not block.overlaps(used):
                rest.append(block)
            elif used.prefixlen > block.prefixlen:
                rest.extend(block.address_exclude(used))
        free = rest
    return sorted(free)


def cut(free: list[Block], prefix: int) -> Block | None:
    """Take one block of a prefix from the smallest free block that holds it; `free` is changed."""
    fitting = [block for block in free if block.prefixlen <= prefix]
    if not fitting:
        return None
    source = max(fitting, key=lambda b: (b.prefixlen, -int(b.network_address)))
    found = next(source.subnets(new_prefix=prefix))
    free.remove(source)
    if found != source:
        free.extend(source.address_exclude(found))
        free.sort()
    return found


def room_for(free: Iterable[Block], prefix: int) -> int:
    """Return how many aligned blocks of a prefix fit into free blocks."""
    return sum(1 << (prefix - block.prefixlen) for block in free if block.prefixlen <= prefix)
