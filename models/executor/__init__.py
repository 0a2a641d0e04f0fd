"""Play a migration plan event by event, and judge it from the data alone."""
