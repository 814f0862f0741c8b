"""What other rules would have changed in the stored history of a model."""
