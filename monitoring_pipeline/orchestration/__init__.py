"""Dagster on top: a model spec becomes assets, checks, jobs, a schedule, and a share in the sensors."""
