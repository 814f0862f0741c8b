"""Jobs, schedules and sensors: nightly, late labels, alert delivery, retraining."""
