"""The fairlead commands, and the supervisor behind ``fairlead up``."""
