"""How commands are found, run, interrupted and ended."""
