"""Arrays and counts in, numbers out. Knows numpy and scipy, nothing else."""
