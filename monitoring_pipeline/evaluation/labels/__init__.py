"""The delay of labels, and the maturity of a chunk's labels."""
