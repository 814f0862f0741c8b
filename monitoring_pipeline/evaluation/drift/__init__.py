"""Distances between a chunk and its reference: single columns, all features together, floors and baselines."""
