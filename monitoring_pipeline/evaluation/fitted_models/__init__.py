"""The domain classifier that the monitor fits, and the matrices that its models are fitted to."""
