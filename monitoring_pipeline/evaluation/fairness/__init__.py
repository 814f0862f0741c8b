"""Fairness: numbers of groups of people, and the gaps between them."""
