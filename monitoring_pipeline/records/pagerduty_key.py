"""The name of an incident in PagerDuty, from which its name here can be read again."""

import datetime as dt


def key_of(incident_id: str, since: dt.datetime) -> str:
    """Return the key (``dedup_key``) of an incident that asks for attention since a moment, to the second."""
    return f"{incident_id}/{since.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"


def incident_of(key: str) -> str:
    """Return the incident's name here."""
    return key.partition("/")[0]
