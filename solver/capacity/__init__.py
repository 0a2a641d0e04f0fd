"""What to buy: the cheapest additions, head-room, and when capacity runs out."""
