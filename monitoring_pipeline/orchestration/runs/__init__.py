"""What all Dagster code shares: partitions, job names, run tags and requests."""
