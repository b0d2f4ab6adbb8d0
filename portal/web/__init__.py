"""Screens by role. Every view starts from portal.accounts.access and ends in one unit of work."""
