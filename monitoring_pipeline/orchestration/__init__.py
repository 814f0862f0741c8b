"""Dagster definitions, made from model specs: assets, checks, jobs, schedules and sensors."""
