"""Measurements of the pipeline itself: failed runs and overdue chunks."""
