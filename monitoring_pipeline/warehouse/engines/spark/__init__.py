"""Reads tables of a Spark session: of Spark itself, of Spark Connect, or of Databricks Connect."""
