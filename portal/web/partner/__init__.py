"""What a partner sees: its work, the open pool, its leads, its standing, its team."""
