"""Fairlead: each inbound lead to exactly one partner, with deadlines that are kept or have a consequence."""
