"""Guesses from the facts of a table, each with its evidence and its doubts."""
