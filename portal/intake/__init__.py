"""Leads come in: cleaned, normalised, checked, told apart from what is known, and read from files."""
