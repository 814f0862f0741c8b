"""The checks of a deployment, by what they look at."""
