"""What SQL engines share: catalogue, columns, queries."""
