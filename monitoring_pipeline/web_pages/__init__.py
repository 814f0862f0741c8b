"""Pages about models and incidents: read from the store, drawn as charts, written as one HTML file without network."""
