"""What admins set: rules, policies, partners, people and keys, and the audit."""
