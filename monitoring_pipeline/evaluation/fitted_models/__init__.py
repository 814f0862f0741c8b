"""Small models that the monitor fits itself."""
