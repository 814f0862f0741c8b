"""Partitions, job names, run tags and requests that all Dagster code uses."""
