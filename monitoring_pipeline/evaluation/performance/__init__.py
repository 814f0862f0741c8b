"""Realized performance: metrics with intervals on labelled rows."""
