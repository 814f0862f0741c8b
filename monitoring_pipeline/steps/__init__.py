"""The steps of a run: they read through ports, call pure functions, and return results to store. No Dagster here."""
