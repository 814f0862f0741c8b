"""Predictions against labels: discrimination, calibration, error."""
