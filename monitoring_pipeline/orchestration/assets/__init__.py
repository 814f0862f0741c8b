"""The Dagster assets of a model, and their checks and metadata."""
