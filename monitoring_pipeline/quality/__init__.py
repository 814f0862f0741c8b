"""Checks of a chunk's data by Great Expectations suites: drafting, loading and running them."""
