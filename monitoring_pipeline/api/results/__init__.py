"""The results of the Python API, and how they are shown."""
