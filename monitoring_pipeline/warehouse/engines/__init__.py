"""One folder per database engine."""
