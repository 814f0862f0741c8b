"""Reads predictions and labels from the users' warehouse, and never writes there."""
