"""The pipeline monitors itself: failed runs, overdue chunks, unusable spec files."""
