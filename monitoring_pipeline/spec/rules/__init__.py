"""What a person declares about judging: thresholds, drift, performance, incidents, retraining, alerting."""
