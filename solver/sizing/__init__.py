"""The cheapest additions to a fleet of hosts, with real packing and the loss of areas: arrays in, arrays out."""
