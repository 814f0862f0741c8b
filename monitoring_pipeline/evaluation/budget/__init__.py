"""The budget of false alarms: what it allows, and what was spent of it."""
