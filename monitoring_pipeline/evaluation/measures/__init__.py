"""Measures of the user's own: the rows that a function gets, and the measurements made of its answer."""
