"""Renders an alert as text, Slack blocks, JSON or a chart. Pure: no I/O."""
