"""One file per database engine."""
