"""The rules of a model spec: thresholds, drift, performance, quality, incidents, retraining."""
