"""How often the rules would raise a false alarm, measured on held-out days of the reference."""
