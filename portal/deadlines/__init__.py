"""Deadlines: what a policy puts on an assignment, when each is due, and what meets, breaches or ends it."""
