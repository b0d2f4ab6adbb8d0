"""What Fairlead's speed and size are measured with: each figure beside a floor of the same database, in one run."""
