"""What is done when time passes or somebody acts: units of work over the rooms below, and the sweep."""
