"""Sends one message to one place: Slack, Apprise, a webhook, a file."""
