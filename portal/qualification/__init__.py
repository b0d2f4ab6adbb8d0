"""What a good lead is: conditions on its facts, and the published definition that scores it."""
