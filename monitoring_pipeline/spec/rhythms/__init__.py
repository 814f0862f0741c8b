"""The rhythms in which chunks can follow each other: hours, days, weeks and months of a time zone."""
