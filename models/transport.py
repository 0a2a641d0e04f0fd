"""The cheapest way to send what some have to where others take it."""

from __future__ import annotations

from collections.abc import Sequence


def cheapest(supply: Sequence[int], demand: Sequence[int], price: Sequence[Sequence[int]]) -> int:
    """Return the least cost of sending as much of the supply as the demand takes.

    `price` is that of one unit by supplier and taker, none below 0.
    """
    sent = min(sum(supply), sum(demand))
    if not sent:
        return 0
    if len(supply) == 1:
        return _filled(sent, demand, price[0])
    if len(demand) == 1:
        return _filled(sent, supply, [row[0] for row in price])
    return _flow(sent, supply, demand, price)


def _filled(amount: int, room: Sequence[int], price: Sequence[int]) -> int:
    """Return the cost of an amount where the cheapest room is taken first."""
    cost = 0
    for each, most in sorted(zip(price, room, strict=True)):
        taken = min(amount, most)
        cost += taken * each
        amount -= taken
    return cost


def _flow(sent: int, supply: Sequence[int], demand: Sequence[int], price: Sequence[Sequence[int]]) -> int:
    from ortools.graph.python import min_cost_flow

    flow = min_cost_flow.SimpleMinCostFlow()
    source, sink = 0, 1 + len(supply) + len(demand)
    for i, amount in enumerate(supply):
        flow.add_arc_with_capacity_and_unit_cost(source, 1 + i, amount, 0)
        for j in range(len(demand)):
            flow.add_arc_with_capacity_and_unit_cost(1 + i, 1 + len(supply) + j, amount, price[i][j])
    for j, amount in enumerate(demand):
        flow.add_arc_with_capacity_and_unit_cost(1 + len(supply) + j, sink, amount, 0)
    flow.set_node_supply(source, sent)
    flow.set_node_supply(sink, -sent)
    if flow.solve() != flow.OPTIMAL:
        raise ArithmeticError("a transport problem was not solved")
    return int(flow.optimal_cost())
