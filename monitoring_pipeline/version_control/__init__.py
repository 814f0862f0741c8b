"""Reads the history of files from git."""
