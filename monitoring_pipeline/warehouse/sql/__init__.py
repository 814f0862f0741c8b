"""The parts that SQL engines share: catalogue, columns, queries."""
