"""Numbers over the last days of a model, from what each of its chunks left; no rows of chunks are read."""
