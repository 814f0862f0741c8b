"""Databricks SQL, over its connector for Python."""
