"""The reference of everything that is measured: metrics, statistics, measurements, causes and checks."""
