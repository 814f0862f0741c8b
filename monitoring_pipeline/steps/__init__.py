"""What a run does: read through a port, call pure functions, return what the store is to hold. No Dagster."""
