"""Who may come in: people, invitations, passwords, keys; and the audit of what they did."""
