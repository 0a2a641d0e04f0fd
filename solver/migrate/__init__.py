"""Plan the way back: who moves where after an event, by which steps, when."""
