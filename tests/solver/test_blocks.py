"""Free address blocks against brute force over all addresses of a small network."""

from __future__ import annotations

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from tests.solver.stand import few
from zonewright.solver.blocks import Block, cut, free_space, room_for

NETWORK = "10.0.0.0/27"
WHOLE = ipaddress.IPv4Network(NETWORK)
SIZES = [27, 28, 29, 30, 31, 32]


def aligned(prefix: int) -> list[Block]:
    """Return every block of a prefix in the network."""
    return list(WHOLE.subnets(new_prefix=prefix))


@st.composite
def some_taken(draw: st.DrawFn) -> list[Block]:
    found: list[Block] = []
    for prefix in draw(st.lists(st.sampled_from([29, 30, 31, 32]), max_size=5)):
        room = [b for b in aligned(prefix) if not any(b.overlaps(t) for t in found)]
        if room:
            found.append(draw(st.sampled_from(room)))
    return found


def addresses(blocks: list[Block]) -> list[int]:
    """Return all addresses, repeated where blocks overlap."""
    return sorted(int(a) for b in blocks for a in range(int(b[0]), int(b[-1]) + 1))


def fits(taken: list[Block], prefixes: list[int], after: Block | None = None) -> bool:
    """Say by trying all ways whether aligned blocks of these prefixes fit around what is taken.

    Blocks of one size are tried in order of address only: they are alike.
    """
    if not prefixes:
        return True
    same = after is not None and after.prefixlen == prefixes[0]
    for block in aligned(prefixes[0]):
        if same and after is not None and block <= after:
            continue
        if not any(block.overlaps(t) for t in taken) and fits([*taken, block], prefixes[1:], block):
            return True
    return False


@few
@given(some_taken())
def test_free_space_is_exactly_what_nobody_has(taken: list[Block]) -> None:
    """Every address is either taken or in one free block, and no two free blocks could be one."""
    free = free_space(NETWORK, taken)
    assert sorted(addresses(free) + addresses(taken)) == addresses([WHOLE])
    assert free == sorted(free)
    assert list(ipaddress.collapse_addresses(free)) == free


def test_a_taken_block_that_covers_the_network_leaves_nothing() -> None:
    """A block of the network's own size, or a larger one, takes all of it; one elsewhere nothing."""
    assert free_space(NETWORK, [WHOLE]) == []
    assert free_space(NETWORK, [ipaddress.IPv4Network("10.0.0.0/24")]) == []
    assert free_space(NETWORK, [ipaddress.IPv4Network("10.0.1.0/27")]) == [WHOLE]


@few
@given(some_taken(), st.lists(st.sampled_from(SIZES), max_size=6))
def test_cutting_never_overlaps_and_stays_inside(taken: list[Block], prefixes: list[int]) -> None:
    """In any order of sizes, what was cut and what is left are the free space, each address once."""
    free = free_space(NETWORK, taken)
    found = [block for p in prefixes if (block := cut(free, p)) is not None]
    assert sorted(addresses(free) + addresses(found) + addresses(taken)) == addresses([WHOLE])


@few
@given(some_taken(), st.lists(st.sampled_from([28, 29, 30, 31]), max_size=4))
def test_decreasing_size_fits_whenever_anything_does(taken: list[Block], prefixes: list[int]) -> None:
    """Largest first succeeds exactly when some way of placing all the blocks exists."""
    free = free_space(NETWORK, taken)
    got_all = all(cut(free, p) is not None for p in sorted(prefixes))
    assert got_all == fits(taken, sorted(prefixes))


@few
@given(some_taken(), st.lists(st.sampled_from([28, 29, 30, 31]), max_size=6))
def test_blocks_fit_exactly_when_no_size_asks_for_more_than_is_free(
    taken: list[Block], prefixes: list[int]
) -> None:
    """What the rows say: at every size, the blocks at least that large take no more than such free blocks hold."""
    free = free_space(NETWORK, taken)
    counted = all(
        sum(1 << (p - q) for q in prefixes if q <= p) <= room_for(free, p) for p in sorted(set(prefixes))
    )
    assert counted == fits(taken, sorted(prefixes))
