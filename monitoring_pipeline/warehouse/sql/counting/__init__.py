"""Counts rows where they are: the columns of a chunk over the bins of a reference, as SQL of every engine."""
