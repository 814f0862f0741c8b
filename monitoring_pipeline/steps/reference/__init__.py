"""Building a reference, and checking the rules against its held-out days."""
