"""The newest results of each model as metrics of Prometheus."""
