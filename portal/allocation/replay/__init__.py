"""What if: the decisions of a past period made once more, by other rules, with the state that there was then."""
