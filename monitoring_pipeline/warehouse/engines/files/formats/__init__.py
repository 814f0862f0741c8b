"""Formats of tables whose metadata name the files that count: Delta and Iceberg."""
