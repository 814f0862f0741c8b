"""Arrays and counts in, numbers out. Imports numpy and scipy only."""
