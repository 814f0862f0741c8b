"""Numbers of the user's own SQL, and objectives with their error budgets."""
