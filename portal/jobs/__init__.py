"""What runs without anyone asking: the clock that sweeps, posts and delivers."""
