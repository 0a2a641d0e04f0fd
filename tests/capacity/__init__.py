"""Planning capacity: offers, edits, sizes, head-room, forecasts."""
