"""Pseudonyms for identifiers, and error messages without row values."""
