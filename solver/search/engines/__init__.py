"""Engines that search on a board. Each improves the placement of a `Worker`; the portfolio says who runs when."""
