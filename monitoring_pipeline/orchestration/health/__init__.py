"""Monitoring of the pipeline: failed runs, overdue chunks, unusable spec files."""
