"""The adapter to MLflow's model registry, and to the users' trainers."""
