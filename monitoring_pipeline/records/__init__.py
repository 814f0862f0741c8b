"""The records of results: measurement, verdict, incident, alert, decision. Plain data, no behaviour."""
