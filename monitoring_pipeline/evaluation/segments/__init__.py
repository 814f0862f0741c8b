"""Segments: which rows belong to which, what is usual in each, and what is not."""
