"""The command ``init``: its options, the source, the files that are read along, and its output."""
