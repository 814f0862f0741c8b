"""What predictions are worth in money: realized from labels, estimated without them, and what is usual."""
