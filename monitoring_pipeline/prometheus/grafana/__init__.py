"""Dashboards of Grafana over the exported metrics: panels as a table, and the JSON that Grafana provisions."""
