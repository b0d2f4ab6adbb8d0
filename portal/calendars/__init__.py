"""Business time: opening hours, holidays, closures, and deadlines counted in them. Pure."""
