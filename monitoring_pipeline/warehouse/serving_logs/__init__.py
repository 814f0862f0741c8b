"""Logs that serving systems write, as tables of predictions: one row per scored instance."""
