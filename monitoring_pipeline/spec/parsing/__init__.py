"""From YAML text to validated values: documents, durations, the base of all parts."""
