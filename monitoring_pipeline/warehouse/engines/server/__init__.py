"""What database servers share: reads, references, business SQL and inspection over a connection."""
