"""Training, comparing, promoting and rolling back model versions."""
