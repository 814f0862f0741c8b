"""Rows in canonical form: names, types, fingerprints, and the errors of reading them."""
