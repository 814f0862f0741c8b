"""Building a reference, and the rule check on its days."""
