"""What Fairlead's speed is measured with: each figure beside the bare floor of the same database, in one run."""
