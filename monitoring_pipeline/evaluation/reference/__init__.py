"""All that was learned from a version's reference window, as one document."""
