"""Lineage of judged chunks and of versions, as events of OpenLineage that are sent to an HTTP endpoint."""
