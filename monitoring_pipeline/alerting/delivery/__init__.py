"""Sends the alerts that are due: claims them from the outbox, retries, marks them as sent."""
