"""Snowflake, over its connector for Python."""
