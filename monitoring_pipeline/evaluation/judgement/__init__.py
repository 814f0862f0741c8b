"""The verdict on a chunk, and which measurements it needs."""
