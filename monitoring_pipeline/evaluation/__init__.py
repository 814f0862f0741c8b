"""What a chunk's numbers mean: profiling, measuring, judging. No I/O, no clock, no Dagster."""
