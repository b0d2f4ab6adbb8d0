"""The compliance ladder: a partner's standing, folded in time order from what it kept and missed."""
