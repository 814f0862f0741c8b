"""The reference: everything learned from a version's reference window, as one document."""
