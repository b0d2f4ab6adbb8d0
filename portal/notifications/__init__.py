"""What people are told: notices in the outbox, the mails made of them, and their delivery."""
