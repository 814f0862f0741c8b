"""Checks of a model spec against the statistics, metrics, columns and files that it names."""
