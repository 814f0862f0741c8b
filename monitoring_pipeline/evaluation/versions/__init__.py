"""Comparison of model versions: pairing, gate, trial, retraining policy."""
