"""Checks of a model spec against everything that it names."""
