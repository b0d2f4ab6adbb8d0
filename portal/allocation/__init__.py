"""Which partner gets a lead, and why: rules, gates, turns, the decision."""
