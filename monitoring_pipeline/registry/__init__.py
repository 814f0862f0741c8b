"""Where model versions live: training, comparing and promoting them in MLflow."""
