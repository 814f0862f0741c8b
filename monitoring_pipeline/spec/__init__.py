"""What a monitored model is, and the words for results. Imports nothing of this project."""
