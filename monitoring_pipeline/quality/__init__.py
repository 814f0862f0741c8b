"""What a chunk must hold before its numbers mean anything: Great Expectations suites, drafted, loaded and run."""
