"""Mergeable counts of columns over bins frozen from the reference."""
