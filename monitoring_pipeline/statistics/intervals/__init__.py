"""Intervals of single numbers and of paired differences."""
