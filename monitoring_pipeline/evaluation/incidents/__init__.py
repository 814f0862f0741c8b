"""Incidents as a fold over measurements: causes, opening, escalation, resolution, events."""
