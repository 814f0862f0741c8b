"""BigQuery, over Google's client for Python."""
