"""Alerts about incidents: messages are data, rendering is pure, a channel sends and raises."""
