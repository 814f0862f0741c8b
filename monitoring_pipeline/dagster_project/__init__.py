"""The monitoring as a part of another Dagster project: by a function, or by a component."""
